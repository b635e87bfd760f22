"""People: secrets, wrong ones, one-day codes, and what the office and the console can do for whoever forgot."""
import time

import harness
import stranger
from harness import COUNTER, DESK_ROLE, GROUP_ROLE, LOUNGE, OFFICE_NAME, OFFICE_ROLE, OFFICE_SECRET


class People(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("counter 2", COUNTER)
        cls.centre.enrol("lounge", LOUNGE)
        cls.hana = cls.centre.person("hana", DESK_ROLE)

    def connect(self, name="counter"):
        client = self.centre.connect(name)
        self.addCleanup(client.close)
        return client

    def start(self, client, name, secret):
        return client.ask("sign_in", "start", {"name": name, "secret": secret})

    def code_for(self, person):
        return self.centre.office_write("accounts", "reset", {"person_id": person}).body.accounts.reset_code.code

    def test_wrong_name_and_wrong_secret_are_the_same(self):
        person = self.centre.person("mistypes", DESK_ROLE)
        client = self.connect()
        answers, times = [], []
        for name, secret in (("mistypes", "not-the-secret-1"), ("nobody of this name", "not-the-secret-1"),
                             ("mistypes", "not-the-secret-2"), ("nobody of this name", "not-the-secret-2")):
            begun = time.monotonic()
            answers.append(self.refused("WRONG_SECRET", self.start, client, name, secret).SerializeToString())
            times.append(time.monotonic() - begun)
        self.assertEqual(len(set(answers)), 1)
        self.assertLess(max(times), 20 * min(times) + 0.5, f"the time tells who exists: {times}")
        self.centre.office_write("accounts", "unlock", {"person_id": person})

    def test_five_wrong_secrets_lock_and_the_office_unlocks(self):
        person = self.centre.person("locked out", DESK_ROLE)
        secret = self.centre.secrets["locked out"]
        client = self.connect()
        for _ in range(5):
            self.refused("WRONG_SECRET", self.start, client, "locked out", "not-the-secret-1")
        refusal = self.refused("LOCKED", self.start, client, "locked out", secret)
        self.assertGreater(refusal.retry_after_ms, 14 * 60_000)
        self.assertLessEqual(refusal.retry_after_ms, 15 * 60_000)
        # Others at this terminal, and the person elsewhere, are not locked.
        self.assertFalse(self.start(client, "hana", self.centre.secrets["hana"]).HasField("refusal"))
        self.assertFalse(self.start(self.connect("counter 2"), "locked out", secret).HasField("refusal"))
        self.centre.office_write("accounts", "unlock", {"person_id": person})
        self.assertFalse(self.start(client, "locked out", secret).HasField("refusal"))

    def test_unknown_names_lock_like_known_ones(self):
        client = self.connect("counter 2")
        for _ in range(5):
            self.refused("WRONG_SECRET", self.start, client, "ghost", "not-the-secret-1")
        self.refused("LOCKED", self.start, client, "ghost", "not-the-secret-1")

    def test_names_are_compared_folded(self):
        client = self.connect()
        for name in ("HANA", "ｈａｎａ", " hana "):
            with self.subTest(name):
                self.assertFalse(self.start(client, name, self.centre.secrets["hana"]).HasField("refusal"))
        self.assertEqual(self.refused("CONFLICT", self.centre.office_write, "accounts", "create", {"name": "Ｈana"}).field,
                         "name")

    def test_one_day_code_is_good_once(self):
        person = self.centre.person("forgot", DESK_ROLE)
        code = self.code_for(person)
        client = self.connect()
        fields = {"name": "forgot", "code": code.lower().replace("-", " "), "new_secret": "shimo-no-ashiato-8"}
        client.call("sign_in", "secret_set", fields)
        self.assertFalse(self.start(client, "forgot", "shimo-no-ashiato-8").HasField("refusal"))
        self.refused("WRONG_SECRET", self.start, client, "forgot", self.centre.secrets["forgot"])
        self.refused("WRONG_CODE", client.ask, "sign_in", "secret_set", dict(fields, new_secret="another-try-at-9"))

    def test_a_new_code_takes_the_place_of_the_old(self):
        person = self.centre.person("two codes", DESK_ROLE)
        old, new = self.code_for(person), self.code_for(person)
        client = self.connect()
        fields = {"name": "two codes", "new_secret": "yama-no-mukou-12"}
        self.refused("WRONG_CODE", client.ask, "sign_in", "secret_set", dict(fields, code=old))
        client.call("sign_in", "secret_set", dict(fields, code=new))

    def test_own_secret_is_changed_with_the_old_one(self):
        self.centre.person("changes", DESK_ROLE)
        old = self.centre.secrets["changes"]
        client = self.connect()
        fields = {"name": "changes", "new_secret": "kawa-no-nagare-77"}
        self.refused("WRONG_SECRET", client.ask, "sign_in", "secret_set", dict(fields, old_secret="not-the-secret-1"))
        client.call("sign_in", "secret_set", dict(fields, old_secret=old))
        self.refused("WRONG_SECRET", self.start, client, "changes", old)
        self.assertFalse(self.start(client, "changes", "kawa-no-nagare-77").HasField("refusal"))

    def test_secrets_that_are_no_secrets(self):
        client = self.connect()
        fields = {"name": "hana", "old_secret": self.centre.secrets["hana"]}
        for secret in ("short", "12345678", "abcdefgh", "password", "20260401", "0312345678", "hana", "hanahana", "x" * 129):
            with self.subTest(secret):
                refusal = self.refused("INVALID", client.ask, "sign_in", "secret_set", dict(fields, new_secret=secret))
                self.assertEqual(refusal.field, "new_secret")
        self.refused("INVALID", client.ask, "sign_in", "secret_set", {"name": "hana", "new_secret": "no-proof-at-all-5"})

    def test_the_office_needs_a_long_one(self):
        with self.centre.connect("office") as client:
            fields = {"name": OFFICE_NAME, "old_secret": OFFICE_SECRET}
            refusal = self.refused("INVALID", client.ask, "sign_in", "secret_set", dict(fields, new_secret="kaze-1-tsu"))
            self.assertEqual({a.key: a.value for a in refusal.args}.get("min"), "12")

    def test_disabled_and_enabled_again(self):
        person = self.centre.person("on leave", DESK_ROLE)
        secret = self.centre.secrets["on leave"]
        client = self.connect()
        client.sign_in("on leave", secret)
        self.centre.office_write("accounts", "disable", {"person_id": person})
        self.refused("SIGN_IN_NEEDED", client.ask, "visits", "list", {"from_us": 1, "to_us": 2})
        self.refused("WRONG_SECRET", self.start, client, "on leave", secret)
        self.centre.office_write("accounts", "enable", {"person_id": person})
        client.sign_in("on leave", secret)

    def test_token_of_another_terminal(self):
        token = self.connect().sign_in("hana", self.centre.secrets["hana"]).token
        for name, given in (("another terminal's", token), ("nobody's", b"x" * 16)):
            with self.subTest(name):
                self.refused("SIGN_IN_NEEDED", self.connect("counter 2").ask, "sign_in", "resume", {"token": given})

    def test_quick_switch(self):
        taro = self.centre.person("taro", DESK_ROLE)
        client = self.connect()
        first = client.sign_in("hana", self.centre.secrets["hana"])
        second = client.sign_in("taro", self.centre.secrets["taro"])
        self.assertEqual(second.person_id, taro)
        self.refused("SIGN_IN_NEEDED", client.ask, "sign_in", "resume", {"token": first.token})

    def test_group_at_the_lounge(self):
        self.centre.person("midori no kai", GROUP_ROLE)
        signed_in = self.connect("lounge").sign_in("midori no kai", self.centre.secrets["midori no kai"])
        self.assertEqual((signed_in.roles, signed_in.idle_s), (GROUP_ROLE, 180))
        self.assertLess(signed_in.until_us - stranger.now_us(), 21 * 60_000_000)

    def test_the_last_office_account_stays(self):
        listed = self.centre.office_read("accounts", "list").accounts
        office = next(a for a in listed if a.roles & OFFICE_ROLE)
        self.refused("STATE", self.centre.office_write, "accounts", "disable", {"person_id": office.id})
        with self.server.console() as console:
            self.refused("STATE", console.ask, "accounts", "grant", {"name": OFFICE_NAME, "roles": DESK_ROLE},
                         stranger.new_key())

    def test_recovery_at_the_console(self):
        done = harness.run("recover", "--data", self.server.data, "--name", OFFICE_NAME)
        code = harness.re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}", done.stdout).group(0)
        with self.centre.connect("office") as client:
            client.call("sign_in", "secret_set", {"name": OFFICE_NAME, "code": code, "new_secret": OFFICE_SECRET})
        self.centre.drop_office()
        self.centre.office_read("accounts", "list")
        for name in ("hana", "nobody of this name"):
            with self.subTest(name):
                self.assertNotEqual(harness.run("recover", "--data", self.server.data, "--name", name, check=False).returncode, 0)

    def test_grant_at_the_console(self):
        self.centre.office_write("accounts", "create", {"name": "newcomer"})
        harness.run("grant", "--data", self.server.data, "--name", "newcomer", "--roles", "desk,group")
        listed = self.centre.office_read("accounts", "list").accounts
        self.assertEqual(next(a.roles for a in listed if a.name == "newcomer"), DESK_ROLE | GROUP_ROLE)
        done = harness.run("grant", "--data", self.server.data, "--name", "newcomer", "--roles", "king", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--roles", done.stderr)


if __name__ == "__main__":
    harness.main()
