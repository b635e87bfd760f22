"""The same once more: the dice give every line another terminal and another place in the order."""
import bookings

if __name__ == "__main__":
    bookings.run(seed=20_220_331)
