"""Bad bytes: wrong, oversized, nested, truncated, non-UTF-8 frames, unknown calls, silence. Each is answered with a clear
word, costs that connection or that call alone, and the server goes on."""
import os
import socket
import ssl
import struct
import threading
import time

import harness
import stranger
from harness import COUNTER, DESK_ROLE, LOUNGE
from stranger import Frame, Gone

HANDSHAKE_S, HELLO_S, FRAME_S = 10, 30, 15


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def request_bytes(body, request_id=1, key=b""):
    """A frame by hand: Frame{request{id, request_key, body}}, for bodies that a library would refuse to write."""
    return field(1, b"\x08" + varint(request_id) + (field(2, key) if key else b"") + field(4, body))


class Frames(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("lounge", LOUNGE)
        cls.centre.person("hana", DESK_ROLE)

    def counter(self, **options):
        client = self.centre.connect("counter", **options)
        self.addCleanup(client.close)
        return client

    def send_raw(self, client, data):
        client.wire.link.send(data, 10)

    # -- frames that end the connection

    def test_frames_that_are_none(self):
        not_frames = {
            "random bytes": os.urandom(64),
            "an unfinished varint": b"\x0a\xff",
            "a length beyond the frame": b"\x0a\x7f\x01",
            "a request cut in the middle": request_bytes(field(7, field(1, b"\x08\x01")))[:-2],
            "a group without an end": b"\x0b" * 40,
            "no arm": b"\x98\x06\x01",
            "a request without an id": field(1, field(4, b"")),
            "a response": Frame(response={"id": 1}).SerializeToString(),
            "a part": Frame(part={"subscription": 1}).SerializeToString(),
            "a goodbye": Frame(goodbye={}).SerializeToString(),
        }
        for has_hello in (False, True):
            for name, content in not_frames.items():
                with self.subTest(name, has_hello=has_hello):
                    client = self.counter(hello=has_hello)
                    client.wire.send_bytes(content)
                    self.gone("MALFORMED", client)
                    client.close()
        self.still_serves()

    def test_empty_frame(self):
        client = self.counter()
        self.send_raw(client, struct.pack(">I", 0))
        self.gone("MALFORMED", client)

    def test_a_frame_over_its_limit_is_refused_by_its_head_alone(self):
        for name, terminal, has_hello, limit in (("before hello", "counter", False, 4 * 1024),
                                                 ("lounge", "lounge", True, 16 * 1024),
                                                 ("counter", "counter", True, 256 * 1024),
                                                 ("four gigabytes", "counter", True, 0xFFFFFFFE)):
            with self.subTest(name):
                with self.centre.connect(terminal, hello=has_hello) as client:
                    self.send_raw(client, struct.pack(">I", limit + 1))
                    self.gone("TOO_LARGE", client)

    def test_a_frame_at_its_limit_is_taken(self):
        for name, terminal, has_hello, limit in (("before hello", "counter", False, 4 * 1024),
                                                 ("lounge", "lounge", True, 16 * 1024),
                                                 ("counter", "counter", True, 256 * 1024)):
            with self.subTest(name):
                with self.centre.connect(terminal, hello=has_hello) as client:
                    request = stranger.Request(id=77, body=stranger.body_of(
                        "centre", "hello", {"protocol_min": 1, "protocol_max": 1, "program": "padded"}))
                    frame = Frame(request=request).SerializeToString()
                    frame += varint(1000 << 3 | 2)  # an unknown field fills it up to the limit
                    for length_bytes in (1, 2, 3):
                        padding = limit - len(frame) - length_bytes
                        if len(varint(padding)) == length_bytes:
                            frame += varint(padding) + b"x" * padding
                            break
                    self.assertEqual(len(frame), limit)
                    client.wire.send_bytes(frame)
                    self.assertEqual(client.response(77).id, 77)

    def test_small_frame_that_would_take_much_memory(self):
        client = self.counter()
        rows = field(4, b"") * 120_000  # each two bytes here, a whole message there
        client.wire.send_bytes(field(3, rows))
        gone = self.gone(None, client)
        self.assertIn(stranger.error_name(gone.code), ("MEMORY", "MALFORMED"))
        self.still_serves()

    def test_deep_nesting(self):
        deep = b""
        for _ in range(9000):
            deep = field(500, deep)
        client = self.counter()
        # Where nobody knows the field it is passed over …
        client.wire.send_bytes(request_bytes(field(7, field(4, deep)), 5) if len(deep) < 200_000 else b"")
        self.assertTrue(client.response(5).HasField("refusal"))
        # … and nested calls in calls are no calls.
        nested = b""
        for _ in range(3000):
            nested = field(7, nested)
        client.wire.send_bytes(request_bytes(nested, 6))
        self.assertTrue(client.response(6).HasField("refusal"))
        self.still_serves()

    # -- calls that are refused, and the connection lives on

    def refusal_of(self, client, body, code, request_id=1000):
        client.wire.send_bytes(request_bytes(body, request_id, stranger.new_key()))
        response = client.response(request_id)
        self.assertTrue(response.HasField("refusal"), f"accepted: {response}")
        self.check_refusal(response.refusal, code)
        return response.refusal

    def test_unknown_calls(self):
        client = self.counter()
        for name, body in (("no domain", b""), ("an unknown domain", field(90, field(1, b""))),
                           ("no call", field(7, b"")), ("an unknown call", field(7, field(77, b""))),
                           ("an answer", field(7, field(104, b""))), ("a row", field(7, field(201, b"")))):
            with self.subTest(name):
                self.refusal_of(client, body, "UNKNOWN_CALL")
        client.count(self.place_id, self.purpose_id, 1)

    def test_calls_before_hello(self):
        client = self.counter(hello=False)
        for domain, op in (("visits", "totals"), ("visits", "count"), ("sign_in", "start"), ("feed", "subscribe"),
                           ("terminals", "list")):
            with self.subTest(f"{domain}.{op}"):
                self.refused("HELLO_FIRST", client.ask, domain, op, key=stranger.new_key())
        client.hello()
        client.count(self.place_id, self.purpose_id, 1)

    def test_protocol_versions(self):
        for name, least, most, is_fine in (("ours", 1, 1, True), ("newer too", 1, 9, True), ("only newer", 2, 9, False),
                                           ("none", 0, 0, False), ("upside down", 3, 1, False)):
            with self.subTest(name):
                client = self.counter(hello=False)
                if is_fine:
                    self.assertEqual(client.hello(least=least, most=most).protocol, 1)
                else:
                    try:
                        client.hello(least=least, most=most)
                        self.fail("a version that nobody speaks was taken")
                    except stranger.Refused as refused:
                        self.assertIn(stranger.error_name(refused.code), ("VERSION", "INVALID"))
                client.close()

    def test_text(self):
        client = self.counter()

        def start(name):
            return field(3, field(1, field(1, name) + field(2, b"some-secret")))

        for name, text in (("not UTF-8", b"ab\xff\xfe"), ("an overlong form", b"\xc0\xaf"), ("a surrogate", b"\xed\xa0\x80"),
                           ("cut in a character", "窓".encode()[:2]), ("a bell", b"ab\x07"), ("a line feed", b"ab\ncd"),
                           ("an escape", b"\x1b[2J"), ("DEL", b"ab\x7f"), ("C1", "ab\u0085".encode())):
            with self.subTest(name):
                refusal = self.refusal_of(client, start(text), "INVALID")
                self.assertEqual((refusal.field, refusal.rule), ("name", "text"))
        refusal = self.refusal_of(client, start(b"x" * 5000), "INVALID")
        self.assertEqual(refusal.field, "name")
        self.assertIn("max", [a.key for a in refusal.args])

    def test_a_nul_ends_a_text(self):
        """As proto/README.md warns: what follows it is lost."""
        office = self.centre.office
        office.wire.send_bytes(request_bytes(field(7, field(6, field(2, b"caf\x00e\xff") + b"\x18\x09")), 4242,
                                             stranger.new_key()))
        response = office.response(4242)
        self.assertFalse(response.HasField("refusal"), response.refusal)
        with self.centre.connect("counter") as client:
            replica = client.catch_up(stranger.Replica())
        place = replica.rows[(harness.VISIT_PLACE, response.object_id)].body.visits.visit_place_row
        self.assertEqual(place.name, "caf")

    def test_unknown_enum_values(self):
        client = self.counter()
        client.sign_in("hana", self.centre.secrets["hana"])
        for step in (99, -1, 0):
            with self.subTest(step=step):
                refusal = self.refused("INVALID", client.ask, "visits", "totals",
                                       {"from_day": 20260101, "to_day": 20260102, "step": step})
                self.assertEqual(refusal.field, "step")

    def test_request_key_of_another_length(self):
        client = self.counter()
        for key in (b"", b"short", b"x" * 15, b"x" * 17):
            with self.subTest(length=len(key)):
                refusal = self.refused("INVALID", client.ask, "visits", "count",
                                       {"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1,
                                        "at_us": client.server_now_us()}, key)
                self.assertEqual(refusal.field, "request_key")

    def test_a_frame_in_single_bytes(self):
        client = self.counter()
        frame = request_bytes(field(7, field(4, b"")), 31)
        for byte in struct.pack(">I", len(frame)) + frame:
            self.send_raw(client, bytes([byte]))
        self.assertTrue(client.response(31).HasField("refusal"))

    def test_many_frames_in_one_write(self):
        client = self.counter()
        data = b""
        for number in range(1, 201):
            frame = Frame(ping={"number": number}).SerializeToString()
            data += struct.pack(">I", len(frame)) + frame
        self.send_raw(client, data)
        client.wait(lambda: len(client.pongs) == 200, 10, "two hundred pongs")
        self.assertEqual([p.number for p in client.pongs], list(range(1, 201)))

    # -- below the frames

    def test_garbage_instead_of_tls(self):
        for name, data in (("random", os.urandom(2000)), ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                           ("a plain frame", struct.pack(">I", 5) + b"hello")):
            with self.subTest(name), socket.create_connection(self.server.listen, 10) as sock:
                sock.sendall(data)
                sock.settimeout(HANDSHAKE_S + 5)
                try:
                    while sock.recv(4096):
                        pass
                except ConnectionError:
                    pass
        self.still_serves()

    def test_wrong_tls(self):
        profile = self.centre.profiles["counter"]

        def context(**changes):
            made = profile.tls_context(with_certificate=changes.get("certificate", True))
            if "version" in changes:
                made.minimum_version = made.maximum_version = changes["version"]
            if "alpn" in changes:
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                made.load_verify_locations(profile.path("authorities.pem"))
                made.load_cert_chain(profile.path("terminal.pem"), profile.path("terminal.key"))
                if changes["alpn"]:
                    made.set_alpn_protocols(changes["alpn"])
            return made

        for name, made in (("TLS 1.2", context(version=ssl.TLSVersion.TLSv1_2)), ("no certificate", context(certificate=False)),
                           ("another ALPN", context(alpn=["http/1.1"])), ("no ALPN", context(alpn=[]))):
            with self.subTest(name):
                with self.assertRaises((OSError, Gone)):
                    with socket.create_connection(self.server.listen, 10) as sock:
                        with made.wrap_socket(sock, server_hostname=stranger.SERVER_NAME) as tls:
                            stranger.Client(stranger.SocketLink(tls))
        self.still_serves()

    def test_server_is_not_believed_under_another_name(self):
        profile = self.centre.profiles["counter"]
        with socket.create_connection(self.server.listen, 10) as sock:
            with self.assertRaises(ssl.SSLCertVerificationError):
                profile.tls_context().wrap_socket(sock, server_hostname="madoguchid.example")

    def test_silence(self):
        """Half a handshake, no hello, half a frame: each is given up after its own time, not much sooner or later."""
        ends = {}

        def watch(name, begin, wait):
            ends[name] = (time.monotonic() - begin) if wait() else None

        begun = time.monotonic()
        half = socket.create_connection(self.server.listen, 10)
        half.sendall(bytes.fromhex("160301020001"))  # the beginning of a ClientHello
        half.settimeout(HANDSHAKE_S + 8)

        def half_ends():
            try:
                return half.recv(100) is not None
            except ConnectionError:
                return True

        no_hello = self.counter(hello=False)
        midway = self.counter()
        self.send_raw(midway, struct.pack(">I", 100) + b"\x0a")
        cases = {"handshake": half_ends, "hello": lambda: self.gone("DEADLINE", no_hello, HELLO_S + 10),
                 "frame": lambda: self.gone("DEADLINE", midway, FRAME_S + 10)}
        threads = [threading.Thread(target=watch, args=(name, begun, wait)) for name, wait in cases.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        half.close()
        for name, limit in (("handshake", HANDSHAKE_S), ("hello", HELLO_S), ("frame", FRAME_S)):
            self.assertIsNotNone(ends.get(name), f"{name}: the server waits for ever")
            self.assertGreater(ends[name], limit - 1.5, f"{name}: given up too soon")
            self.assertLess(ends[name], limit + 5, f"{name}: given up too late")
        self.still_serves()


if __name__ == "__main__":
    harness.main()
