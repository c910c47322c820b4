"""From what is measured or told to an alert, and to the incident it belongs to."""
