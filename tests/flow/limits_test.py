"""How much one may ask for: requests a second, connections of an address and of a terminal, and in all. Sources are
bound in 127.1.0.0/16."""
import socket
import time

import harness
import stranger
from harness import COUNTER, DOOR, LOUNGE
from stranger import Gone


class Limits(harness.CentreCase):
    settings = {"connections": 40, "connections-before-hello": 30, "request-rate": 50, "request-burst": 100}

    @classmethod
    def prepare(cls):
        for name, kind in (("counter", COUNTER), ("counter 2", COUNTER), ("lounge", LOUNGE), ("door", DOOR)):
            cls.centre.enrol(name, kind, **({"room_id": 1} if kind == DOOR else {}))

    def connect(self, name="counter", **options):
        client = self.centre.connect(name, **options)
        self.addCleanup(client.close)
        return client

    def flood(self, client, number):
        """Sends as many reads at once; (accepted or refused otherwise, refused as busy)."""
        body = stranger.body_of("feed", "unsubscribe", {"subscription": 1})
        sent = [client.send_request(body) for _ in range(number)]
        answers = [client.response(request, 30) for request in sent]
        busy = [a.refusal for a in answers if a.HasField("refusal") and a.refusal.name == "MDG_ERR_BUSY"]
        for refusal in busy:
            self.assertGreater(refusal.retry_after_ms, 0, "busy, but not until when")
        return len(answers) - len(busy), busy

    def test_requests_of_a_counter(self):
        served, busy = self.flood(self.connect(), 300)
        self.assertGreaterEqual(served, 99)
        self.assertLess(served, 200, "the burst is 100 and the rate 50 a second")
        self.assertGreater(len(busy), 0)

    def test_requests_of_the_narrow_kinds(self):
        for name in ("lounge", "door"):
            with self.subTest(name):
                served, busy = self.flood(self.connect(name), 300)
                self.assertGreaterEqual(served, 99)
                self.assertLess(served, 160, "the burst is 100 and the rate 20 a second")
                self.assertGreater(len(busy), 0)

    def test_a_refused_request_may_come_again(self):
        client = self.connect("counter 2")
        _, busy = self.flood(client, 250)
        time.sleep(busy[-1].retry_after_ms / 1000 + 0.1)
        key = stranger.new_key()
        for _ in range(20):
            response = client.ask("visits", "count", {"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1,
                                                      "at_us": client.server_now_us()}, key)
            if not response.HasField("refusal"):
                return
            self.check_refusal(response.refusal, "BUSY")
            time.sleep(response.refusal.retry_after_ms / 1000)
        self.fail("busy for ever")

    def test_other_connections_are_not_slowed(self):
        noisy, quiet = self.connect(), self.connect("counter 2")
        body = stranger.body_of("feed", "unsubscribe", {"subscription": 1})
        for _ in range(300):
            noisy.send_request(body)
        begun = time.monotonic()
        quiet.count(self.place_id, self.purpose_id, 1)
        self.assertLess(time.monotonic() - begun, 3)

    def test_connections_of_one_terminal(self):
        held = [self.connect() for _ in range(4)]
        try:
            fifth = self.centre.connect("counter", hello=False)
            self.addCleanup(fifth.close)
            response = fifth.ask("centre", "hello", {"protocol_min": 1, "protocol_max": 1})
            self.assertTrue(response.HasField("refusal"), "a fifth connection of one terminal was taken")
            self.check_refusal(response.refusal, "BUSY")
        except Gone as gone:
            self.assertEqual(stranger.error_name(gone.code), "BUSY", str(gone))
            self.assertGreater(gone.goodbye.refusal.retry_after_ms, 0)
        self.connect("counter 2")
        held[0].close()
        harness.wait_until(lambda: self.can_connect("counter"), 10, "room for the terminal again")

    def can_connect(self, name, **options):
        try:
            self.centre.connect(name, **options).close()
            return True
        except (Gone, stranger.Refused):
            return False

    def test_connections_of_one_address_before_hello(self):
        source, other = "127.1.0.7", "127.1.0.8"
        held = []
        for _ in range(8):
            sock = socket.create_connection(self.server.listen, 10, source_address=(source, 0))
            self.addCleanup(sock.close)
            held.append(sock)
        time.sleep(0.3)
        self.assertFalse(self.can_connect("counter", source=source), "a ninth connection of one address was served")
        self.assertTrue(self.can_connect("counter", source=other), "another address suffers")
        for sock in held:
            sock.close()
        harness.wait_until(lambda: self.can_connect("counter", source=source), 10, "room for the address again")

    def test_those_turned_away_are_told_when_to_come_back(self):
        source = "127.1.0.9"
        for _ in range(8):
            sock = socket.create_connection(self.server.listen, 10, source_address=(source, 0))
            self.addCleanup(sock.close)
        time.sleep(0.3)
        try:
            self.centre.connect("counter", source=source)
            self.fail("served")
        except Gone as gone:
            self.assertIsNotNone(gone.goodbye, "turned away without a word")
            self.check_refusal(gone.goodbye.refusal, "BUSY")
            self.assertGreater(gone.goodbye.refusal.retry_after_ms, 0)

    def test_connections_before_hello_in_all(self):
        held = []
        for number in range(30):
            sock = socket.create_connection(self.server.listen, 10, source_address=(f"127.1.1.{number + 1}", 0))
            self.addCleanup(sock.close)
            held.append(sock)
        time.sleep(0.5)
        self.assertFalse(self.can_connect("counter", source="127.1.2.1"), "a thirty-first was served")
        for sock in held:
            sock.close()
        harness.wait_until(lambda: self.can_connect("counter", source="127.1.2.1"), 10, "room again")

    def test_a_terminal_that_does_not_read_is_given_up(self):
        """Answers wait up to 256 KiB; then the connection ends, and only that one."""
        client = self.connect("counter 2", receive_buffer=4096)
        frame = stranger.Frame(request=stranger.Request(id=1, body=stranger.body_of("centre", "hello", {
            "protocol_min": 1, "protocol_max": 1}))).SerializeToString()
        client.wire.link.sock.settimeout(5)
        try:
            for _ in range(200_000):
                client.wire.send_bytes(frame, 5)
        except Gone:
            pass  # it stopped reading us, or has closed
        gone = client.wait_gone(60)
        self.assertIsNotNone(gone)
        self.connect("counter").count(self.place_id, self.purpose_id, 1)


class InAll(harness.CentreCase):
    settings = {"connections": 12, "connections-before-hello": 8, "terminal-connections": 64}

    def test_connections_in_all(self):
        self.centre.drop_office()
        held = [self.centre.connect("office") for _ in range(12)]
        for client in held:
            self.addCleanup(client.close)
        with self.assertRaises(Gone) as caught:
            self.centre.connect("office")
        self.assertEqual(stranger.error_name(caught.exception.code), "BUSY", str(caught.exception))
        self.assertGreater(caught.exception.goodbye.refusal.retry_after_ms, 0)
        for client in held:  # who is in stays in
            client.call("feed", "unsubscribe", {"subscription": 1})
        held[0].close()
        harness.wait_until(self.can_connect, 10, "room again")

    def can_connect(self):
        try:
            self.centre.connect("office").close()
            return True
        except Gone:
            return False


if __name__ == "__main__":
    harness.main()
