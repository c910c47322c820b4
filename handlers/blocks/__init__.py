"""What people see, as pure functions from the product's values to Block Kit."""
