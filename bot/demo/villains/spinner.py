"""Burns one core in a loop that never ends; ten minutes at most."""

from bot.demo.villains.restraint import restrain

if __name__ == "__main__":
    restrain()
    while True:
        pass
