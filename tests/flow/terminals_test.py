"""Machines: who gets in, who is put out, and how certificates and authorities are renewed."""
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import harness
import stranger
from harness import COUNTER, DOOR, LOUNGE, OFFICE_SECRET
from stranger import Enrolment, ExporterLink, Gone, NotOurServer, Profile, SocketLink

STABLE, ANNOUNCED, TERMINALS, SERVER = range(4)
NONE, WAITING, PROVED, COMPARE, ISSUED, ENDED = range(6)


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True, timeout=30).stdout


class TerminalsCase(harness.CentreCase):
    def code(self, name, kind=COUNTER, **fields):
        answer = self.centre.office_write("terminals", "enrol", dict({"name": name, "kind": kind}, **fields))
        return answer.body.terminals.enrolled_code.code

    def state(self):
        return self.centre.office_read("terminals", "enrolment_state")

    def cancel(self):
        if self.state().step in (WAITING, PROVED, COMPARE):
            self.centre.office_write("terminals", "enrolment_decide", {"is_same": False})

    def can_connect(self, profile):
        try:
            profile.connect(self.server.listen).close()
            return True
        except Gone:
            return False

    def listener_is_open(self):
        try:
            socket.create_connection(self.server.enrol_listen, 2).close()
            return True
        except OSError:
            return False


def other_code(code):
    """A well-formed code that is another one."""
    return ("B" if code[0] != "B" else "C") + code[1:]


class Enrolments(TerminalsCase):
    def setUp(self):
        super().setUp()
        self.cancel()

    def test_listener_is_open_only_while_a_code_is_pending(self):
        harness.wait_until(lambda: not self.listener_is_open(), 10, "the closed listener")
        self.code("waits for nobody")
        harness.wait_until(self.listener_is_open, 5, "the open listener")
        self.cancel()
        harness.wait_until(lambda: not self.listener_is_open(), 10, "the closed listener again")

    def test_wrong_code_up_to_the_cancellation(self):
        code = self.code("guessed at")
        for left in (4, 3, 2, 1, 0):
            enrolment = Enrolment(self.server.enrol_listen)
            try:
                enrolment.prove(other_code(code))
                self.fail("a wrong code was taken")
            except stranger.Refused as refused:
                self.check_refusal(refused.refusal, "WRONG_CODE")
                self.assertEqual({a.key: a.value for a in refused.refusal.args}.get("tries_left"), str(left))
            finally:
                enrolment.close()
        self.assertEqual(self.state().step, ENDED)
        with self.assertRaises((stranger.Refused, Gone, OSError), msg="the right code after the last wrong try"):
            Enrolment(self.server.enrol_listen).prove(code)

    def test_one_wrong_try_does_not_hurt(self):
        code = self.code("mistyped")
        first = Enrolment(self.server.enrol_listen)
        self.addCleanup(first.close)
        with self.assertRaises(stranger.Refused):
            first.prove(other_code(code))
        second = Enrolment(self.server.enrol_listen)
        self.addCleanup(second.close)
        second.prove(code)
        self.assertEqual(self.state().step, PROVED)

    def test_the_code_is_good_once(self):
        code = self.code("twice")
        first, second = Enrolment(self.server.enrol_listen), Enrolment(self.server.enrol_listen)
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        first.prove(code)
        with self.assertRaises(stranger.Refused):
            second.prove(code)
        with self.assertRaises(stranger.Refused):
            second.client.call("terminals", "collect")

    def test_steps_out_of_order(self):
        self.code("impatient")
        enrolment = Enrolment(self.server.enrol_listen)
        self.addCleanup(enrolment.close)
        for op, fields in (("collect", {}), ("apply", {"request": b"x" * 100})):
            with self.subTest(op):
                self.refused("STATE", enrolment.client.ask, "terminals", op, fields)

    def test_calls_of_others_on_the_enrolment_listener(self):
        self.code("curious")
        enrolment = Enrolment(self.server.enrol_listen)
        self.addCleanup(enrolment.close)
        self.assertEqual(enrolment.client.welcome.terminal_id, 0)
        self.assertEqual(len(enrolment.client.welcome.authorities), 0)
        for domain, op in (("visits", "totals"), ("visits", "count"), ("feed", "subscribe"), ("sign_in", "start"),
                           ("terminals", "list"), ("terminals", "renew"), ("accounts", "recover")):
            with self.subTest(f"{domain}.{op}"):
                self.refused("FORBIDDEN", enrolment.client.ask, domain, op, key=stranger.new_key())

    def test_requests_that_are_none(self):
        code = self.code("odd requests")
        enrolment = Enrolment(self.server.enrol_listen)
        self.addCleanup(enrolment.close)
        enrolment.prove(code)
        with tempfile.TemporaryDirectory() as folder:
            good, _ = stranger.make_request(folder)
            rsa = openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", os.path.join(folder, "rsa"), "-subj",
                          "/CN=x", "-outform", "DER")
        broken = good[:-4] + bytes(b ^ 0xFF for b in good[-4:])
        for name, request in (("random", os.urandom(300)), ("cut", good[:-20]), ("a wrong signature", broken), ("RSA", rsa),
                              ("empty", b""), ("too long", b"\x30" * 4000)):
            with self.subTest(name):
                response = enrolment.client.ask("terminals", "apply", {"request": request})
                self.assertTrue(response.HasField("refusal"), f"{name} was taken")
                self.check_refusal(response.refusal, "INVALID" if name != "too long" else response.refusal.name[8:])
        enrolment.apply(good)

    def test_office_says_no(self):
        code = self.code("not the same")
        enrolment = Enrolment(self.server.enrol_listen)
        self.addCleanup(enrolment.close)
        enrolment.prove(code)
        with tempfile.TemporaryDirectory() as folder:
            enrolment.apply(stranger.make_request(folder)[0])
        self.centre.office_write("terminals", "enrolment_decide", {"is_same": False})
        try:
            enrolment.collect(5)
            self.fail("a certificate though the office said no")
        except stranger.Refused as refused:
            self.check_refusal(refused.refusal, "STATE")
        except Gone:
            pass  # the listener has closed already

    def test_one_at_a_time(self):
        self.code("the first")
        response = self.centre.office.ask("terminals", "enrol", {"name": "the second", "kind": COUNTER}, stranger.new_key())
        self.check_refusal(response.refusal, "STATE")

    def test_names_and_rooms(self):
        for name, fields in (("no name", {"kind": COUNTER}), ("a blank name", {"name": "  ", "kind": COUNTER}),
                             ("a long name", {"name": "x" * 500, "kind": COUNTER}), ("no kind", {"name": "a"}),
                             ("unknown kind", {"name": "a", "kind": 17}), ("a door without a room", {"name": "a", "kind": DOOR}),
                             ("a counter with a room", {"name": "a", "kind": COUNTER, "room_id": 4})):
            with self.subTest(name):
                response = self.centre.office.ask("terminals", "enrol", fields, stranger.new_key())
                if response.refusal.name == "MDG_ERR_CONFIRM_NEEDED":
                    self.centre.office.call("sign_in", "confirm", {"secret": OFFICE_SECRET})
                    response = self.centre.office.ask("terminals", "enrol", fields, stranger.new_key())
                self.check_refusal(response.refusal, "INVALID")
        response = self.centre.office.ask("terminals", "enrol", {"name": "OFFICE ", "kind": COUNTER}, stranger.new_key())
        self.check_refusal(response.refusal, "CONFLICT")

    # -- somebody in between

    def impostor(self, handle):
        """A TLS server with a certificate of its own; handle(Client-like wire) talks to the terminal. Its address."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        key, certificate = os.path.join(folder.name, "key"), os.path.join(folder.name, "certificate")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                "-out", certificate, "-subj", "/CN=impostor", "-days", "2")
        with open(certificate, encoding="ascii") as file:
            self.impostors_der = ssl.PEM_cert_to_DER_cert(file.read())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols([stranger.ALPN])
        context.load_cert_chain(certificate, key)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        self.addCleanup(listener.close)

        def serve():
            try:
                sock, _ = listener.accept()
                with context.wrap_socket(sock, server_side=True) as tls:
                    handle(stranger.Wire(SocketLink(tls)))
            except (OSError, Gone):
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 20)
        return listener.getsockname()

    def relay(self, change):
        """The man in the middle: passes frames on between the terminal and the real server."""
        def handle(wire):
            server = stranger.Wire(ExporterLink(self.server.enrol_listen))
            try:
                while True:
                    frame = wire.receive(20)
                    if frame is None:
                        return
                    server.send_bytes(frame.SerializeToString())
                    answer = server.receive(20)
                    if answer is None:
                        return
                    wire.send_bytes(change(answer).SerializeToString())
            finally:
                server.link.close()
        return handle

    def test_man_in_the_middle_who_passes_everything_on(self):
        """The proofs are bound to two different connections."""
        address = self.impostor(self.relay(lambda frame: frame))
        code = self.code("in between")
        with tempfile.TemporaryDirectory() as folder:
            try:
                stranger.enrol(address, code, folder)
                self.fail("enrolled through a man in the middle")
            except stranger.Refused as refused:
                self.check_refusal(refused.refusal, "WRONG_CODE")
            self.assertEqual(os.listdir(folder), [], "something of the impostor's was stored")

    def test_man_in_the_middle_with_an_authority_of_his_own(self):
        def change(frame):
            if frame.response.body.terminals.HasField("offer"):
                frame.response.body.terminals.offer.authority = self.impostors_der
            return frame

        address = self.impostor(self.relay(change))
        code = self.code("in between too")
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises((stranger.Refused, NotOurServer)):
                stranger.enrol(address, code, folder)

    def test_foreign_server_that_takes_any_code(self):
        """It says yes to the terminal's proof, but has to prove that it knows the code itself."""
        def handle(wire):
            answers = {"centre": lambda body: body.centre.welcome.SetInParent(), "prove": lambda body: setattr(
                body.terminals.proof, "proof", os.urandom(32))}

            def offer(body):
                body.terminals.offer.salt = os.urandom(16)
                body.terminals.offer.authority = self.impostors_der
                body.terminals.offer.memory_kib, body.terminals.offer.passes = 65536, 3

            answers["open"] = offer
            while True:
                frame = wire.receive(20)
                if frame is None:
                    return
                body = frame.request.body
                call = "centre" if body.WhichOneof("domain") == "centre" else body.terminals.WhichOneof("of")
                reply = stranger.Frame()
                reply.response.id = frame.request.id
                answers[call](reply.response.body)
                wire.send_bytes(reply.SerializeToString())

        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(NotOurServer):
                stranger.enrol(self.impostor(handle), "ABCD-EFGH-JK", folder)


class Certificates(TerminalsCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)

    def foreign_profile(self, subject):
        """A certificate that looks like the terminal's, of another authority."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = lambda name: os.path.join(folder.name, name)  # noqa: E731
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path("ca.key"),
                "-out", path("ca.pem"), "-subj", "/CN=another centre", "-days", "9")
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                          path("terminal.key"), "-subj", subject)
        with open(path("ext"), "w", encoding="ascii") as file:
            file.write("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n")
        openssl("x509", "-req", "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "9", "-extfile",
                path("ext"), "-out", path("terminal.pem"), data=request)
        with open(self.centre.profiles["counter"].path("authorities.pem"), encoding="ascii") as ours, \
                open(path("authorities.pem"), "w", encoding="ascii") as file:
            file.write(ours.read())
        return Profile(folder.name)

    def test_certificate_of_another_authority(self):
        subject = openssl("x509", "-in", self.centre.profiles["counter"].path("terminal.pem"), "-noout", "-subject",
                          "-nameopt", "RFC2253").decode()
        name = subject.split("CN=")[1].split(",")[0].strip()
        with self.assertRaises(Gone) as caught:
            self.foreign_profile("/CN=" + name).connect(self.server.listen)
        self.assertIn("unknown ca", str(caught.exception).lower().replace("_", " "))
        self.still_serves()

    def test_a_server_of_another_authority_is_not_believed(self):
        profile = self.foreign_profile("/CN=1")
        with open(profile.path("ca.pem"), encoding="ascii") as file:
            profile.store_authorities([ssl.PEM_cert_to_DER_cert(file.read())])
        with self.assertRaises(Gone) as caught:
            profile.connect(self.server.listen)
        self.assertIn("certificate verify failed", str(caught.exception).lower())

    def test_a_key_without_its_certificate(self):
        profile = self.centre.profiles["counter"]
        with tempfile.TemporaryDirectory() as folder:
            with open(profile.path("terminal.pem"), encoding="ascii") as file:
                certificate = file.read()
            _, key = stranger.make_request(folder)
            with open(os.path.join(folder, "both.pem"), "w", encoding="ascii") as file:
                file.write(certificate)
            with open(os.path.join(folder, "key.pem"), "w", encoding="ascii") as file:
                file.write(key)
            with self.assertRaises(ssl.SSLError):
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(os.path.join(folder, "both.pem"),
                                                                        os.path.join(folder, "key.pem"))

    def test_certificate_names_nothing_of_the_request(self):
        text = openssl("x509", "-in", self.centre.profiles["counter"].path("terminal.pem"), "-noout", "-text").decode()
        self.assertNotIn("CN = new", text)
        self.assertIn("TLS Web Client Authentication", text)
        self.assertNotIn("TLS Web Server Authentication", text)

    def test_revocation_cuts_within_a_second(self):
        profile = self.centre.enrol("lost tablet", LOUNGE)
        held = [profile.connect(self.server.listen) for _ in range(3)]
        for client in held:
            self.addCleanup(client.close)
        self.centre.office.call("sign_in", "confirm", {"secret": OFFICE_SECRET})
        begun = time.monotonic()
        self.centre.office.write("terminals", "revoke", {"terminal_id": profile.terminal_id, "reason": "盗難"})
        for client in held:
            self.gone("REVOKED", client, 5)
            self.assertLess(time.monotonic() - begun, 1.0, "cut too late")
        with self.assertRaises(Gone) as caught:
            profile.connect(self.server.listen)
        self.assertEqual(stranger.error_name(caught.exception.code), "REVOKED", str(caught.exception))
        self.still_serves()
        row = next(t for t in self.centre.office_read("terminals", "list").terminals if t.id == profile.terminal_id)
        self.assertTrue(row.is_revoked)
        # It comes back by enrolling again, under its old name.
        self.centre.enrol("lost tablet", LOUNGE, profile)
        self.assertTrue(self.can_connect(profile))

    def test_enrolling_again_puts_the_old_machine_out(self):
        profile = self.centre.enrol("exchanged", COUNTER)
        old = tempfile.TemporaryDirectory()
        self.addCleanup(old.cleanup)
        for name in ("terminal.pem", "terminal.key", "authorities.pem"):
            with open(profile.path(name), encoding="ascii") as source, \
                    open(os.path.join(old.name, name), "w", encoding="ascii") as copy:
                copy.write(source.read())
        client = profile.connect(self.server.listen)
        self.addCleanup(client.close)
        self.centre.enrol("exchanged", COUNTER, profile)
        self.gone(None, client, 5)
        self.assertFalse(self.can_connect(Profile(old.name)), "the old machine still gets in")
        self.assertTrue(self.can_connect(profile))

    def test_renewal(self):
        profile = self.centre.enrol("renews", COUNTER)
        with open(profile.path("terminal.pem"), encoding="ascii") as file:
            before = file.read()
        with profile.connect(self.server.listen) as client:
            self.assertFalse(client.welcome.renew_now)
            profile.renew(client)
        with open(profile.path("terminal.pem"), encoding="ascii") as file:
            self.assertNotEqual(file.read(), before)
        with profile.connect(self.server.listen) as client:
            self.assertEqual(client.welcome.terminal_name, "renews")
            # The same key once more is no renewal, and neither is nonsense.
            for name, request in (("nonsense", b"\x30\x03abc"), ("empty", b"")):
                with self.subTest(name):
                    self.refused("INVALID", client.ask, "terminals", "renew", {"request": request}, stranger.new_key())

    def test_renewal_whose_answer_was_lost(self):
        profile = self.centre.enrol("renews twice", COUNTER)
        request, key_pem = stranger.make_request(profile.folder)
        with profile.connect(self.server.listen) as client:
            first = stranger.content_of(client.write("terminals", "renew", {"request": request}).body)
            again = stranger.content_of(client.write("terminals", "renew", {"request": request}).body)
        self.assertEqual(first.certificate, again.certificate)
        profile.store(again.certificate, again.authorities, key_pem)
        self.assertTrue(self.can_connect(profile))


class Expiry(TerminalsCase):
    """With the server's clock 91 days on: every terminal's certificate is over."""

    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)

    def test_expired_certificate(self):
        self.centre.stop()
        self.server.clock_shift_s = 91 * 86400
        self.server.start()
        profile = self.centre.profiles["counter"]
        with self.assertRaises(Gone) as caught:
            profile.connect(self.server.listen)
        self.assertIn("certificate expired", str(caught.exception).lower().replace("_", " "))
        # The console stands in for the office: all of the office's terminals are expired as well.
        with self.server.console() as console:
            code = console.write("terminals", "enrol", {"terminal_id": profile.terminal_id}).body.terminals.enrolled_code.code
            enrolment = Enrolment(self.server.enrol_listen)
            self.addCleanup(enrolment.close)
            enrolment.prove(code)
            request, key_pem = stranger.make_request(profile.folder)
            number = enrolment.apply(request)
            self.assertEqual(console.read("terminals", "enrolment_state").check_number, number)
            console.write("terminals", "enrolment_decide", {"is_same": True})
            answer = enrolment.collect()
        self.assertEqual(answer.terminal_id, profile.terminal_id)
        profile.store(answer.issued.certificate, answer.issued.authorities, key_pem)
        with profile.connect(self.server.listen) as client:
            client.count(self.place_id, self.purpose_id, 1)


class Rotation(TerminalsCase):
    """A new authority takes over step by step, each step can be undone, and who slept enrols again."""

    @classmethod
    def prepare(cls):
        for name in ("awake", "sleeper"):
            cls.centre.enrol(name, COUNTER)

    def move(self, to, is_back=False):
        self.centre.office_write("terminals", "authority_move", {"is_back": is_back})
        self.assertEqual(self.centre.office_read("terminals", "authority_state").step, to)
        # The server may serve another certificate now; connections that are open go on.
        self.centre.drop_office()

    def wake(self, name):
        """Says hello, takes in the authorities, renews if asked; whether it was asked."""
        profile = self.centre.profiles[name]
        with profile.connect(self.server.listen) as client:
            asked = client.welcome.renew_now
            if asked:
                profile.renew(client)
        with profile.connect(self.server.listen) as client:
            self.assertFalse(client.welcome.renew_now)
            self.assertEqual(client.welcome.terminal_name, name)
        return asked

    def authorities(self, name):
        with open(self.centre.profiles[name].path("authorities.pem"), encoding="ascii") as file:
            return file.read().count("BEGIN CERTIFICATE")

    def test_forward_and_back(self):
        refusal = self.refused("STATE", self.centre.office_write, "terminals", "authority_move", {"is_back": True})
        self.assertEqual(refusal.rule, "nothing_to_undo")
        # Announced and taken back: nothing has happened.
        self.move(ANNOUNCED)
        self.assertFalse(self.wake("awake"))
        self.assertEqual(self.authorities("awake"), 2)
        self.move(STABLE, is_back=True)
        self.wake("awake")
        self.assertEqual(self.authorities("awake"), 1)
        # Up to the server's own certificate and back to where terminals move.
        self.move(ANNOUNCED)
        for name in ("awake", "office"):
            self.assertFalse(self.wake(name))
        self.move(TERMINALS)
        for name in ("awake", "office"):
            self.assertTrue(self.wake(name), "it was not asked to renew")
        self.assertEqual(self.centre.office_read("terminals", "authority_state").terminals_moved, 2)
        self.move(SERVER)
        self.wake("awake")
        with self.assertRaises(Gone, msg="it trusts an authority that nobody told it of"):
            self.centre.connect("sleeper")
        self.move(TERMINALS, is_back=True)
        self.wake("awake")
        # Back as far as the announcement: everybody is asked to renew under the old one.
        self.move(ANNOUNCED, is_back=True)
        for name in ("awake", "office"):
            self.assertTrue(self.wake(name))
        # And now for good, while one terminal sleeps.
        for step in (TERMINALS, SERVER):
            self.move(step)
            for name in ("awake", "office"):
                self.wake(name)
        self.move(STABLE)
        for name in ("awake", "office"):
            self.wake(name)
            self.assertEqual(self.authorities(name), 1)
        with self.assertRaises(Gone):
            self.centre.connect("sleeper")
        # Dropping can be undone too, and then the sleeper's certificate is good again (but not the server for it).
        self.move(SERVER, is_back=True)
        self.wake("awake")
        self.move(STABLE)
        self.wake("office")
        sleeper = self.centre.profiles["sleeper"]
        self.centre.enrol("sleeper", COUNTER, sleeper)
        with sleeper.connect(self.server.listen) as client:
            client.count(self.place_id, self.purpose_id, 1)


if __name__ == "__main__":
    harness.main()
