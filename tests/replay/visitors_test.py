"""All 105 days of visitors.csv at the file's own instants."""
import visitors

if __name__ == "__main__":
    visitors.run(seed=20050724, dates="published")
