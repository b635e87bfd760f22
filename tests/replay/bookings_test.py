"""13,378 published bookings by eight terminals at once."""
import bookings

if __name__ == "__main__":
    bookings.run(seed=20_170_509)
