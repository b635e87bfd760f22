"""Writes that waited in an outbox: who made them, when, and for how long."""
import harness
import stranger
from harness import COUNTER, DAY_US, DESK_ROLE, LOUNGE, MINUTE_US, OFFICE, VISIT
from stranger import Waited


class WaitedWrites(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("counter 2", COUNTER)
        cls.centre.enrol("office 2", OFFICE)
        cls.centre.enrol("lounge", LOUNGE)
        cls.hana = cls.centre.person("hana", DESK_ROLE)
        cls.taro = cls.centre.person("taro", DESK_ROLE)

    def connect(self, name="counter"):
        client = self.centre.connect(name)
        self.addCleanup(client.close)
        return client

    def fields(self, client, **changes):
        return dict({"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1,
                     "at_us": client.server_now_us() - MINUTE_US}, **changes)

    def author_of(self, client, response):
        replica = client.catch_up(stranger.Replica())
        return replica.rows[(VISIT, response.object_id)].body.visits.visit_row.person_id

    def token(self, person="hana", name="counter", end=False):
        client = self.connect(name)
        token = client.sign_in(person, self.centre.secrets[person]).token
        made_us = stranger.now_us()
        if end:
            client.call("sign_in", "end")
        client.close()
        return token, made_us

    def test_a_count_that_waited_keeps_its_author(self):
        token, made_us = self.token(end=True)
        client = self.connect()
        response = client.count(self.place_id, self.purpose_id, 2, waited=Waited(token=token, made_us=made_us))
        self.assertEqual(self.author_of(client, response), self.hana)

    def test_another_one_signed_in_now_is_not_the_author(self):
        token, made_us = self.token(end=True)
        client = self.connect()
        client.sign_in("taro", self.centre.secrets["taro"])
        response = client.count(self.place_id, self.purpose_id, 2, waited=Waited(token=token, made_us=made_us))
        self.assertEqual(self.author_of(client, response), self.hana)
        now = client.count(self.place_id, self.purpose_id, 2)
        self.assertEqual(self.author_of(client, now), self.taro)

    def test_counting_needs_the_terminal_alone(self):
        ended, made_us = self.token(end=True)
        foreign, _ = self.token(name="counter 2")
        client = self.connect()
        for name, waited in (("no token", Waited(made_us=made_us)),
                             ("after its end", Waited(token=ended, made_us=stranger.now_us())),
                             ("before its begin", Waited(token=ended, made_us=made_us - DAY_US)),
                             ("of another terminal", Waited(token=foreign, made_us=stranger.now_us())),
                             ("of nobody", Waited(token=b"x" * 16, made_us=made_us))):
            with self.subTest(name):
                response = client.count(self.place_id, self.purpose_id, 1, waited=waited)
                self.assertEqual(self.author_of(client, response), 0, "somebody is named who did not sign in")

    def test_at_an_office_terminal_a_token_is_needed(self):
        """Only counters count without a person."""
        client = self.connect("office 2")
        for name, waited in (("no token", Waited(made_us=stranger.now_us())),
                             ("of nobody", Waited(token=b"x" * 16, made_us=stranger.now_us()))):
            with self.subTest(name):
                response = client.ask("visits", "count", self.fields(client), stranger.new_key(), waited)
                self.assertTrue(response.HasField("refusal"), "counted without a person at an office terminal")
                self.assertIn(stranger.error_name(response.refusal.code), ("TOKEN", "SIGN_IN_NEEDED", "FORBIDDEN"))

    def test_times_of_the_terminal_are_taken_with_its_offset(self):
        token, made_us = self.token()
        client = self.connect()
        hour = 3600 * 1_000_000
        response = client.count(self.place_id, self.purpose_id, 1,
                                waited=Waited(token=token, made_us=made_us - hour, offset_us=hour))
        self.assertEqual(self.author_of(client, response), self.hana, "a clock that is an hour slow")
        self.refused("INVALID", client.ask, "visits", "count", self.fields(client), stranger.new_key(),
                     Waited(token=token, made_us=made_us + hour))

    def test_four_hundred_days(self):
        client = self.connect()
        now = stranger.now_us()
        for name, days, is_fine in (("399", 399, True), ("401", 401, False), ("ten years", 3650, False)):
            with self.subTest(name):
                fields = self.fields(client, at_us=now - days * DAY_US)
                waited = Waited(made_us=now - days * DAY_US)
                if is_fine:
                    client.call("visits", "count", fields, stranger.new_key(), waited)
                else:
                    self.refused("TOO_OLD", client.ask, "visits", "count", fields, stranger.new_key(), waited)

    def test_sent_at_once_and_again_as_waited_is_one_count(self):
        """The content decides what a key stands for, not how it came."""
        client = self.connect()
        key, fields = stranger.new_key(), self.fields(client)
        first = client.call("visits", "count", fields, key)
        again = client.call("visits", "count", fields, key, Waited(made_us=stranger.now_us()))
        self.assertEqual((first.object_id, first.rev), (again.object_id, again.rev))

    def test_undo_that_waited(self):
        client = self.connect()
        key = stranger.new_key()
        response = client.count(self.place_id, self.purpose_id, 1, key=key, waited=Waited(made_us=stranger.now_us()))
        client.write("visits", "undo", {"count_key": key}, waited=Waited(made_us=stranger.now_us()))
        replica = client.catch_up(stranger.Replica())
        self.assertNotIn((VISIT, response.object_id), replica.rows)

    def test_what_may_not_wait(self):
        office = self.centre.office
        refusal = self.refused("INVALID", office.ask, "visits", "place_save", {"name": "後で", "position": 5},
                               stranger.new_key(), Waited(made_us=stranger.now_us()))
        self.assertEqual(refusal.field, "waited")

    def test_a_lounge_has_no_outbox(self):
        client = self.connect("lounge")
        self.refused("FORBIDDEN", client.ask, "visits", "count", self.fields(client), stranger.new_key(),
                     Waited(made_us=stranger.now_us()))

    def test_impossible_times(self):
        client = self.connect()
        for name, waited in (("none", Waited()), ("below 0", Waited(made_us=-5)), ("the most there is", Waited(made_us=2**63 - 1)),
                             ("absurd offset", Waited(made_us=stranger.now_us(), offset_us=-2**63)),
                             ("short token", Waited(token=b"abc", made_us=stranger.now_us()))):
            with self.subTest(name):
                self.refused("INVALID", client.ask, "visits", "count", self.fields(client), stranger.new_key(), waited)

    def test_rights_are_judged_now(self):
        """A person who was disabled meanwhile: the counter still counts, without the name."""
        leaver = self.centre.person("leaver", DESK_ROLE)
        token, made_us = self.token("leaver", end=True)
        self.centre.office_write("accounts", "disable", {"person_id": leaver})
        client = self.connect()
        response = client.count(self.place_id, self.purpose_id, 1, waited=Waited(token=token, made_us=made_us))
        self.assertEqual(self.author_of(client, response), 0)


if __name__ == "__main__":
    harness.main()
