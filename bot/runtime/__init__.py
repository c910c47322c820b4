"""What keeps the bot itself going: clocks, loops, schedule, its own figures and traces."""
