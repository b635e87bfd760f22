"""Eight real terminals race for one slot, 2,000 rounds over TLS: exactly one wins each, every loser learns who has it and
what is free (race_terminals.c looks at every answer). Then the database is asked whether that is so."""
import os
import re
import subprocess
import sys

import harness
import stranger
from harness import COUNTER, DESK_ROLE

RACE = os.path.join(harness.BUILD, "tests", "race_terminals")
TERMINAL = os.path.join(harness.BUILD, "tests", "replay_terminal")
ROUNDS, RACERS, STEP_US = 2_000, 8, 10 * harness.MINUTE_US


class Race(harness.CentreCase):
    settings = {"request-rate": 2000, "request-burst": 2000}

    @classmethod
    def prepare(cls):
        sys.path.insert(0, os.path.join(harness.SOURCE, "tests", "replay"))
        from visitors import Terminal  # real terminals, as the replay enrols them
        cls.centre.person("hana", DESK_ROLE)
        cls.profiles = []
        for number in range(RACERS):
            terminal = Terminal(cls.centre, f"racer {number}")
            terminal.enrol()
            cls.profiles.append(terminal.profile)
        cls.room = cls.centre.office_write("rooms", "save", {"name": "和室", "kind": 1, "position": 1,
                                                             "is_always_open": True}).object_id
        cls.centre.office_write("rooms", "save", {"name": "洋室", "kind": 1, "position": 2, "is_always_open": True})

    def test_one_wins_each_round(self):
        first_us = (stranger.now_us() // STEP_US + 10) * STEP_US
        done = subprocess.run([RACE, "hana", self.centre.secrets["hana"], str(self.room), str(first_us), str(STEP_US),
                               str(ROUNDS), *self.profiles], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr + self.server.log_tail())
        booked = {int(round): int(booking) for round, booking in
                  re.findall(r"^round (\d+) winner \d+ booking (\d+)$", done.stdout, re.M)}
        self.assertEqual(sorted(booked), list(range(ROUNDS)))
        self.assertEqual(len(set(booked.values())), ROUNDS)
        alternatives = int(re.search(r"^alternatives (\d+)$", done.stdout, re.M)[1])
        self.assertGreaterEqual(alternatives, ROUNDS * (RACERS - 1) * 2, "losers learned of too few free places")

        stored, page = {}, {"from_us": first_us, "to_us": first_us + ROUNDS * STEP_US, "with_ended": True}
        with self.centre.connect("office") as client:
            client.sign_in(harness.OFFICE_NAME, harness.OFFICE_SECRET)
            while True:
                listed = client.read("bookings", "list", page)
                stored.update({b.id: b.start_us for b in listed.bookings})
                if not listed.has_more:
                    break
                page.update(after_us=listed.bookings[-1].start_us, after_id=listed.bookings[-1].id)
        self.assertEqual(stored, {booking: first_us + round * STEP_US for round, booking in booked.items()})


if __name__ == "__main__":
    harness.main()
