"""Who may do what, where: the rights of every call written by hand (server/README.md 10), compared with the server's own
table and tried out live, each role at each kind of terminal."""
import harness
import stranger
from harness import CONSULTATION_ROLE, COUNCIL_ROLE, COUNTER, DESK_ROLE, DOOR, GROUP_ROLE, KIND_NAMES, OFFICE, \
    OFFICE_NAME, OFFICE_ROLE, OFFICE_SECRET, ROLE_NAMES

STAFF_KINDS = "counter office"
PEOPLE_KINDS = "counter office lounge council"
ENROLLED = "counter office lounge door council display"
STAFF = "desk office consultation"

# call: roles, terminal kinds, access, audit, what else
CALLS = {
    "centre.hello": ("terminal applicant console", ENROLLED + " applicant console", "read", "none", "before-hello"),
    "feed.subscribe": ("terminal", ENROLLED, "read", "none", ""),
    "feed.unsubscribe": ("terminal", ENROLLED, "read", "none", ""),
    "sign_in.start": ("terminal", PEOPLE_KINDS, "write", "secret", ""),
    "sign_in.resume": ("terminal", PEOPLE_KINDS, "write", "secret", ""),
    "sign_in.confirm": ("desk office consultation group council chair", PEOPLE_KINDS, "write", "secret", ""),
    "sign_in.secret_set": ("terminal", PEOPLE_KINDS, "write", "secret", ""),
    "sign_in.end": ("terminal", PEOPLE_KINDS, "write", "secret", ""),
    "terminals.enrol": ("office console", STAFF_KINDS + " console", "write", "change", "confirm"),
    "terminals.enrolment_state": ("office console", STAFF_KINDS + " console", "read", "none", ""),
    "terminals.enrolment_decide": ("office console", STAFF_KINDS + " console", "write", "change", "confirm"),
    "terminals.list": ("office", STAFF_KINDS, "read", "none", ""),
    "terminals.change": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "terminals.revoke": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "terminals.renew": ("terminal", ENROLLED, "write", "change", ""),
    "terminals.authority_state": ("office", STAFF_KINDS, "read", "none", ""),
    "terminals.authority_move": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "terminals.open": ("applicant", "applicant", "read", "none", ""),
    "terminals.prove": ("applicant", "applicant", "write", "secret", ""),
    "terminals.apply": ("applicant", "applicant", "write", "secret", ""),
    "terminals.collect": ("applicant", "applicant", "read", "none", ""),
    "terminals.enrolment_expire": ("clock", "clock", "write", "change", ""),
    "terminals.enrolment_resume": ("clock", "clock", "read", "none", ""),
    "terminals.server_renew": ("clock", "clock", "write", "change", ""),
    "accounts.create": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "accounts.list": ("office", STAFF_KINDS, "read", "read", ""),
    "accounts.disable": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "accounts.enable": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "accounts.unlock": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "accounts.reset": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "accounts.roles": ("office", STAFF_KINDS, "write", "change", "confirm second-person"),
    "accounts.recover": ("console", "console", "write", "change", ""),
    "accounts.grant": ("console", "console", "write", "change", ""),
    "accounts.terminal_unlock": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "approvals.decide": ("office", STAFF_KINDS, "write", "change", "confirm"),
    "approvals.list": ("office", STAFF_KINDS, "read", "none", ""),
    "audit.head": (STAFF, STAFF_KINDS, "read", "none", ""),
    "audit.print": (STAFF, STAFF_KINDS, "write", "change", "may-wait"),
    "hours.save": ("office", STAFF_KINDS, "write", "change", ""),
    "hours.remove": ("office", STAFF_KINDS, "write", "change", ""),
    "hours.closed_save": ("office", STAFF_KINDS, "write", "change", ""),
    "hours.closed_remove": ("office", STAFF_KINDS, "write", "change", ""),
    "hours.calendar": ("terminal", ENROLLED, "read", "none", ""),
    "imports.open": ("office", STAFF_KINDS, "write", "change", ""),
    "imports.add": ("office", STAFF_KINDS, "write", "change", ""),
    "imports.check": ("office", STAFF_KINDS, "read", "none", ""),
    "imports.commit": ("office", STAFF_KINDS, "write", "change", ""),
    "imports.drop": ("office", STAFF_KINDS, "write", "change", ""),
    "imports.expire": ("clock", "clock", "write", "change", ""),
    "rooms.save": ("office", STAFF_KINDS, "write", "change", ""),
    "rooms.availability": ("terminal", "counter office lounge door display", "read", "none", ""),
    "bookings.request": (STAFF + " group", STAFF_KINDS + " lounge", "write", "change", "may-wait"),
    "bookings.confirm": ("desk office", STAFF_KINDS, "write", "change", ""),
    "bookings.reject": ("desk office", STAFF_KINDS, "write", "change", ""),
    "bookings.change": (STAFF + " group", STAFF_KINDS + " lounge", "write", "change", "may-wait"),
    "bookings.cancel": (STAFF + " group", STAFF_KINDS + " lounge", "write", "change", "may-wait"),
    "bookings.start": ("desk office door", STAFF_KINDS + " door", "write", "change", ""),
    "bookings.end": ("desk office door", STAFF_KINDS + " door", "write", "change", ""),
    "bookings.no_show": ("desk office", STAFF_KINDS, "write", "change", ""),
    "bookings.record": ("office", STAFF_KINDS, "write", "change", "may-wait"),
    "bookings.list": (STAFF + " group", STAFF_KINDS + " lounge", "read", "none", ""),
    "bookings.get": (STAFF + " group", STAFF_KINDS + " lounge", "read", "none", ""),
    "bookings.limits_save": ("office", STAFF_KINDS, "write", "change", ""),
    "bookings.lapse": ("clock", "clock", "write", "change", ""),
    "groups.save": ("desk office", STAFF_KINDS, "write", "change", ""),
    "groups.renew": ("office", STAFF_KINDS, "write", "change", ""),
    "groups.end": ("office", STAFF_KINDS, "write", "change", ""),
    "groups.pin_issue": ("office", STAFF_KINDS, "write", "change", ""),
    "groups.search": (STAFF, STAFF_KINDS, "read", "none", ""),
    "groups.get": (STAFF + " group", STAFF_KINDS + " lounge", "read", "none", ""),
    "groups.contact_get": (STAFF + " group", STAFF_KINDS + " lounge", "read", "read", ""),
    "groups.contact_set": ("desk office group", STAFF_KINDS + " lounge", "write", "change", ""),
    "visits.count": (STAFF + " counter-alone", STAFF_KINDS, "write", "change", "may-wait terminal-suffices"),
    "visits.undo": (STAFF + " counter-alone", STAFF_KINDS, "write", "change", "may-wait terminal-suffices"),
    "visits.correct": ("office", STAFF_KINDS, "write", "change", "may-wait"),
    "visits.totals": (STAFF + " council chair display", STAFF_KINDS + " council lounge display", "read", "none", ""),
    "visits.list": (STAFF, STAFF_KINDS, "read", "none", ""),
    "visits.place_save": ("office", STAFF_KINDS, "write", "change", ""),
    "visits.purpose_save": ("office", STAFF_KINDS, "write", "change", ""),
    "visits.period_close": ("office", STAFF_KINDS, "write", "change", ""),
    "visits.period_reopen": ("office", STAFF_KINDS, "write", "change", "second-person"),
    "consultations.intake": ("desk consultation", STAFF_KINDS, "write", "change", "may-wait"),
    "consultations.add": ("desk consultation", STAFF_KINDS, "write", "change", "may-wait"),
    "consultations.follow_up": ("consultation", STAFF_KINDS, "write", "change", ""),
    "consultations.close": ("office consultation", STAFF_KINDS, "write", "change", ""),
    "consultations.find": (STAFF, STAFF_KINDS, "read", "none", ""),
    "consultations.read": ("consultation", STAFF_KINDS, "read", "read", ""),
    "consultations.assign": ("office consultation", STAFF_KINDS, "write", "change", ""),
    "consultations.erase_due": ("clock", "clock", "write", "change", ""),
}

# Which roles of a person count at which terminal, and what the machine may by itself.
COUNTS_AT = {"counter": {"desk", "office"}, "private counter": {"desk", "office", "consultation"},
             "office": {"office", "consultation"}, "lounge": {"group", "council", "chair"}, "council": {"council", "chair"},
             "door": set(), "display": set()}
MACHINE = {"counter": {"terminal", "counter-alone"}, "private counter": {"terminal", "counter-alone"}, "office": {"terminal"},
           "lounge": {"terminal"}, "council": {"terminal"}, "door": {"terminal", "door"}, "display": {"terminal", "display"}}
ALL_ROLES = tuple(ROLE_NAMES.values())


def kind_of(terminal):
    return terminal.split()[-1]


def is_allowed(call, terminal, roles):
    may, kinds = CALLS[call][0].split(), CALLS[call][1].split()
    return kind_of(terminal) in kinds and bool(set(may) & (MACHINE[terminal] | (set(roles) & COUNTS_AT[terminal])))


class Table(harness.unittest.TestCase):
    def test_routes_are_those_written_by_hand(self):
        lines = harness.run("routes").stdout.splitlines()
        columns = lines[0].split("\t")
        served = {}
        for line in lines[1:]:
            row = dict(zip(columns, line.split("\t")))
            served[row["call"]] = row
        self.assertEqual(sorted(served), sorted(CALLS), "calls that one of the two tables does not know")
        for call, (roles, kinds, access, audit, flags) in CALLS.items():
            with self.subTest(call):
                row = served[call]

                def names(column, row=row):
                    return sorted(n for n in row[column].split(",") if n != "-")

                self.assertEqual(names("roles"), sorted(roles.split()))
                self.assertEqual(names("kinds"), sorted(kinds.split()))
                self.assertEqual((row["access"], row["audit"], names("flags")), (access, audit, sorted(flags.split())))


class Live(harness.CentreCase):
    settings = {"narrow-request-rate": 1000, "narrow-request-burst": 1000}

    @classmethod
    def prepare(cls):
        for kind, name in KIND_NAMES.items():
            if kind != OFFICE:
                cls.centre.enrol(name, kind, **({"room_id": 7} if kind == DOOR else {}))
        cls.centre.enrol("private counter", COUNTER, is_private=True)
        for bit, name in ROLE_NAMES.items():
            if bit != OFFICE_ROLE:
                cls.centre.person(name, bit)
        cls.centre.person("nobody", 0)
        cls.centre.secrets["office"] = OFFICE_SECRET

    def check_calls(self, client, terminal, roles):
        wrong = []
        # The end of the sign-in comes last, as it has an effect; everything else is sent without content, which is
        # looked at only after the rights.
        for call in sorted(CALLS, key=lambda c: c == "sign_in.end"):
            domain, op = call.split(".")
            if CALLS[call][0] == "clock":
                continue
            response = client.ask(domain, op, key=stranger.new_key())
            name = response.refusal.name[8:] if response.HasField("refusal") else ""
            may = is_allowed(call, terminal, roles)
            if may == (name in ("FORBIDDEN", "SIGN_IN_NEEDED")):
                wrong.append(f"{call}: {'refused' if may else 'allowed'} ({name or 'accepted'})")
        self.assertEqual(wrong, [], f"at the {terminal} with {roles or 'nobody'}")

    def test_each_role_at_each_terminal(self):
        for terminal in COUNTS_AT:
            with self.subTest(terminal, role="nobody signed in"), self.centre.connect(terminal) as client:
                self.check_calls(client, terminal, ())
            for role in ALL_ROLES:
                with self.subTest(terminal, role=role), self.centre.connect(terminal) as client:
                    name = OFFICE_NAME if role == "office" else role
                    fields = {"name": name, "secret": self.centre.secrets[role]}
                    if role in COUNTS_AT[terminal]:
                        client.call("sign_in", "start", fields)
                        self.check_calls(client, terminal, (role,))
                    elif kind_of(terminal) in PEOPLE_KINDS.split():
                        self.refused("WRONG_SECRET", client.ask, "sign_in", "start", fields)
                    else:
                        self.refused("FORBIDDEN", client.ask, "sign_in", "start", fields)

    def test_an_account_without_roles_gets_nowhere(self):
        with self.centre.connect("counter") as client:
            self.refused("WRONG_SECRET", client.ask, "sign_in", "start",
                         {"name": "nobody", "secret": self.centre.secrets["nobody"]})

    def test_calls_of_the_console(self):
        with self.server.console() as console:
            for call, (roles, *_) in CALLS.items():
                if "clock" in roles:
                    continue
                with self.subTest(call):
                    domain, op = call.split(".")
                    response = console.ask(domain, op, key=stranger.new_key())
                    name = response.refusal.name[8:] if response.HasField("refusal") else ""
                    self.assertEqual("console" not in roles.split(), name in ("FORBIDDEN", "SIGN_IN_NEEDED"), name)

    def test_console_socket_is_for_its_owner_alone(self):
        mode = harness.os.stat(harness.os.path.join(self.server.data, "console.sock")).st_mode & 0o777
        self.assertEqual(mode, 0o600)

    def test_totals_for_those_who_see_totals_only(self):
        """Whole days, up to the evening before; no lines."""
        with self.centre.connect("counter") as client:
            client.count(self.place_id, self.purpose_id, 1)
        for terminal, person in (("council", "council"), ("lounge", "chair"), ("display", None)):
            with self.subTest(terminal), self.centre.connect(terminal) as client:
                if person:
                    client.sign_in(person, self.centre.secrets[person])
                span = {"from_day": 20200101, "to_day": 29991231}
                for step in (3, 4):
                    self.refused("FORBIDDEN", client.ask, "visits", "totals", dict(span, step=step))
                listed = client.read("visits", "totals", dict(span, step=2))
                self.assertEqual(list(listed.totals), [], "today is not over")
                self.assertLess(listed.as_of_day, 29991231)

    def test_roles_of_now_count(self):
        """Taken away while signed in, a right is gone at the next call."""
        with self.server.console() as console:
            person = self.centre.person("short", DESK_ROLE)
            with self.centre.connect("counter") as client:
                client.sign_in("short", self.centre.secrets["short"])
                span = {"from_us": 1, "to_us": 2}
                client.read("visits", "list", span)
                console.write("accounts", "grant", {"name": "short", "roles": GROUP_ROLE})
                response = client.ask("visits", "list", span)
                self.assertIn(response.refusal.name, ("MDG_ERR_FORBIDDEN", "MDG_ERR_SIGN_IN_NEEDED"))
                console.write("accounts", "grant", {"name": "short", "roles": DESK_ROLE})
        with self.centre.connect("counter") as client:
            client.sign_in("short", self.centre.secrets["short"])
            self.centre.office_write("accounts", "disable", {"person_id": person})
            self.refused("SIGN_IN_NEEDED", client.ask, "visits", "list", {"from_us": 1, "to_us": 2})

    def test_a_counter_that_is_private_no_more(self):
        profile = self.centre.enrol("booth", COUNTER, is_private=True)
        with profile.connect(self.server.listen) as client:
            client.sign_in("consultation", self.centre.secrets["consultation"])
            client.read("visits", "list", {"from_us": 1, "to_us": 2})
            self.centre.office_write("terminals", "change", {"terminal_id": profile.terminal_id, "name": "booth"})
            response = client.ask("visits", "list", {"from_us": 1, "to_us": 2})
            self.assertTrue(response.HasField("refusal"), "consultation in the open")

    def test_confirmation_of_the_own_secret(self):
        with self.centre.connect("office") as client:
            client.sign_in(OFFICE_NAME, OFFICE_SECRET)
            create = {"name": "confirmed"}
            key = stranger.new_key()
            self.refused("CONFIRM_NEEDED", client.ask, "accounts", "create", create, key)
            self.refused("WRONG_SECRET", client.ask, "sign_in", "confirm", {"secret": "something-else-4"})
            self.refused("CONFIRM_NEEDED", client.ask, "accounts", "create", create, key)
            client.call("sign_in", "confirm", {"secret": OFFICE_SECRET})
            client.call("accounts", "create", create, key)


class SecondPerson(harness.CentreCase):
    """What one alone may not do."""

    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.hana = cls.centre.person("hana", DESK_ROLE)
        cls.centre.person("second", OFFICE_ROLE)

    def second(self):
        client = self.centre.connect("office")
        self.addCleanup(client.close)
        client.sign_in("second", self.centre.secrets["second"])
        client.call("sign_in", "confirm", {"secret": self.centre.secrets["second"]})
        return client

    def roles_of(self, person):
        listed = self.centre.office_read("accounts", "list")
        return next(a.roles for a in listed.accounts if a.id == person)

    def test_roles_by_two(self):
        asked = self.centre.office_write("accounts", "roles", {"person_id": self.hana, "roles": DESK_ROLE | CONSULTATION_ROLE})
        self.assertEqual(self.roles_of(self.hana), DESK_ROLE, "changed before anybody else agreed")
        approval = asked.object_id
        second = self.second()
        listed = second.read("approvals", "list").approvals
        mine = next(a for a in listed if a.id == approval)
        self.assertEqual((mine.operation, mine.object_id, mine.asked_by_name), ("accounts.roles", self.hana, OFFICE_NAME))
        decide = {"approval_id": approval, "is_approved": True}
        self.refused("SECOND_PERSON", self.centre.office.ask, "approvals", "decide", decide, stranger.new_key())
        second.write("approvals", "decide", decide)
        self.assertEqual(self.roles_of(self.hana), DESK_ROLE | CONSULTATION_ROLE)
        again = second.ask("approvals", "decide", decide, stranger.new_key())
        self.assertTrue(again.HasField("refusal"), "decided twice")
        # And back, so that cases do not depend on their order.
        asked = self.centre.office_write("accounts", "roles", {"person_id": self.hana, "roles": DESK_ROLE})
        second.write("approvals", "decide", {"approval_id": asked.object_id, "is_approved": True})

    def test_refused_and_withdrawn(self):
        for name, who in (("refused by the second", self.second()), ("withdrawn by the first", self.centre.office)):
            with self.subTest(name):
                asked = self.centre.office_write("accounts", "roles", {"person_id": self.hana, "roles": COUNCIL_ROLE})
                who.write("approvals", "decide", {"approval_id": asked.object_id, "is_approved": False})
                self.assertNotIn(asked.object_id, [a.id for a in self.second().read("approvals", "list").approvals])
                self.assertEqual(self.roles_of(self.hana), DESK_ROLE)

    def test_reopening_a_month(self):
        self.centre.office_write("visits", "period_close", {"month": 202401})
        with self.centre.connect("counter") as client:
            fields = {"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1, "at_us": 1_705_000_000_000_000}
            self.refused("CLOSED", client.ask, "visits", "count", fields, stranger.new_key())
            asked = self.centre.office_write("visits", "period_reopen", {"month": 202401, "reason": "数え忘れ"})
            self.refused("CLOSED", client.ask, "visits", "count", fields, stranger.new_key())
            self.second().write("approvals", "decide", {"approval_id": asked.object_id, "is_approved": True})
            client.call("visits", "count", fields, stranger.new_key())

    def test_repeated_keys_of_calls_that_are_prepared(self):
        """What is looked at before the writer's turn must not hide the answer of the first time."""
        self.centre.office_write("visits", "period_close", {"month": 202312})
        cases = {"visits.period_reopen": {"month": 202312, "reason": "もう一度"},
                 "accounts.roles": {"person_id": self.hana, "roles": DESK_ROLE | GROUP_ROLE},
                 "accounts.create": {"name": "only once"}, "accounts.reset": {"person_id": self.hana},
                 "terminals.enrol": {"name": "only once", "kind": COUNTER}}
        for call, fields in cases.items():
            with self.subTest(call):
                domain, op = call.split(".")
                self.centre.office.call("sign_in", "confirm", {"secret": OFFICE_SECRET})
                key = stranger.new_key()
                first = self.centre.office.call(domain, op, fields, key)
                if call in ("visits.period_reopen", "accounts.roles"):
                    self.second().write("approvals", "decide", {"approval_id": first.object_id, "is_approved": True})
                again = self.centre.office.call(domain, op, fields, key)
                self.assertEqual((again.object_id, again.rev), (first.object_id, first.rev))
        asked = self.centre.office_write("accounts", "roles", {"person_id": self.hana, "roles": DESK_ROLE})
        self.second().write("approvals", "decide", {"approval_id": asked.object_id, "is_approved": True})

    def test_the_console_gives_no_roles_once_there_are_two(self):
        with self.server.console() as console:
            self.refused("SECOND_PERSON", console.ask, "accounts", "grant", {"name": "hana", "roles": OFFICE_ROLE},
                         stranger.new_key())

    def test_no_such_approval(self):
        response = self.second().ask("approvals", "decide", {"approval_id": 99_999_999, "is_approved": True},
                                     stranger.new_key())
        self.check_refusal(response.refusal, "NOT_FOUND")


if __name__ == "__main__":
    harness.main()
