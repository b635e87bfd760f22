"""A client of the madoguchi protocol, written from proto/README.md alone: Google's protobuf and standard modules.

Python's ssl has no TLS exporter, so the one enrolment connection uses libssl through ctypes; Argon2id comes from
libsodium, keys and signing requests from the openssl command."""
import collections
import ctypes
import hashlib
import hmac
import importlib
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata

PROTO_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "proto")
SERVER_NAME = "madoguchid.internal"
ALPN = "madoguchi/1"


def _load_messages():
    """Generates the Python of the contract into a temporary folder and imports it."""
    with open(os.path.join(PROTO_DIR, "frame.proto"), encoding="utf-8") as file:
        protos = ["frame.proto", *re.findall(r'^import "([a-z_]+\.proto)";', file.read(), re.M)]
    with tempfile.TemporaryDirectory(prefix="mdg-proto-") as folder:
        subprocess.run(["protoc", f"--proto_path={PROTO_DIR}", f"--python_out={folder}", *protos], check=True,
                       timeout=60)
        sys.path.insert(0, folder)
        try:
            return {name[:-6]: importlib.import_module(name[:-6] + "_pb2") for name in protos}
        finally:
            sys.path.remove(folder)


PB = _load_messages()
Frame, Request, Waited = PB["frame"].Frame, PB["frame"].Request, PB["frame"].Waited


def error_name(code):
    """For messages: the number of a refusal is what counts."""
    return ERRORS.get(code, str(code))


ERRORS = {
    -10001: "INVALID", -10002: "MALFORMED", -10003: "TOO_LARGE", -10004: "UNKNOWN_CALL", -10005: "VERSION",
    -10006: "HELLO_FIRST", -10020: "FORBIDDEN", -10021: "SIGN_IN_NEEDED", -10022: "CONFIRM_NEEDED",
    -10023: "WRONG_SECRET", -10024: "LOCKED", -10025: "REVOKED", -10026: "CERTIFICATE_EXPIRED", -10027: "UNTRUSTED",
    -10028: "WRONG_CODE", -10029: "TOKEN", -10030: "SECOND_PERSON", -10040: "NOT_FOUND", -10041: "CONFLICT",
    -10042: "STALE", -10043: "CLOSED", -10044: "KEY_REUSED", -10045: "TOO_OLD", -10046: "STATE", -10060: "BUSY",
    -10061: "DISK_FULL", -10062: "IO", -10063: "CORRUPT", -10068: "DEADLINE", -10069: "SHUTTING_DOWN",
    -10070: "MEMORY", -10071: "CRYPTO", -10072: "INTERNAL",
}


class Refused(Exception):
    def __init__(self, refusal, what=""):
        args = ", ".join(f"{a.key}={a.value}" for a in refusal.args)
        super().__init__(f"{what} refused: {error_name(refusal.code)} field={refusal.field!r} rule={refusal.rule!r} {args}")
        self.refusal = refusal
        self.code = refusal.code


class Gone(Exception):
    """The connection ended. goodbye is the server's last word, or None."""

    def __init__(self, why, goodbye=None):
        said = f" (goodbye {error_name(goodbye.refusal.code)})" if goodbye is not None else ""
        super().__init__(why + said)
        self.goodbye = goodbye

    @property
    def code(self):
        return self.goodbye.refusal.code if self.goodbye is not None else 0


# --- bytes on the wire ---------------------------------------------------------------------------------


class SocketLink:
    """Any connected Python socket, plain or TLS."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, data, timeout):
        self.sock.settimeout(timeout)
        self.sock.sendall(data)

    def receive(self, timeout):
        self.sock.settimeout(max(timeout, 0.0005))
        return self.sock.recv(65536)

    def close(self):
        self.sock.close()


class _LibSsl:
    """The few functions of libssl that the enrolment needs."""

    SSL_CTRL_SET_MIN_PROTO_VERSION, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLS1_3 = 123, 55, 0x0304

    def __init__(self):
        lib = ctypes.CDLL("libssl.so.3")
        pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
        for name, result, arguments in (
                ("TLS_client_method", pointer, ()), ("SSL_CTX_new", pointer, (pointer,)),
                ("SSL_CTX_free", None, (pointer,)),
                ("SSL_CTX_ctrl", ctypes.c_long, (pointer, integer, ctypes.c_long, pointer)),
                ("SSL_CTX_set_alpn_protos", integer, (pointer, ctypes.c_char_p, ctypes.c_uint)),
                ("SSL_new", pointer, (pointer,)), ("SSL_free", None, (pointer,)),
                ("SSL_ctrl", ctypes.c_long, (pointer, integer, ctypes.c_long, ctypes.c_char_p)),
                ("SSL_set_fd", integer, (pointer, integer)), ("SSL_connect", integer, (pointer,)),
                ("SSL_write", integer, (pointer, ctypes.c_char_p, integer)),
                ("SSL_read", integer, (pointer, ctypes.c_char_p, integer)),
                ("SSL_get_error", integer, (pointer, integer)),
                ("SSL_export_keying_material", integer,
                 (pointer, ctypes.c_char_p, size, ctypes.c_char_p, size, ctypes.c_char_p, size, integer))):
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


class ExporterLink:
    """TLS 1.3 without checking the server, with access to the exporter: for enrolment only."""

    def __init__(self, address, timeout=10, source=None):
        self.lib = _LibSsl()
        self.sock = socket.create_connection(address, timeout, source_address=source and (source, 0))
        self.sock.settimeout(None)  # libssl wants a blocking descriptor; its waits are limited below
        self._limit(timeout)
        self.context = self.lib.SSL_CTX_new(self.lib.TLS_client_method())
        self.lib.SSL_CTX_ctrl(self.context, self.lib.SSL_CTRL_SET_MIN_PROTO_VERSION, self.lib.TLS1_3, None)
        alpn = bytes([len(ALPN)]) + ALPN.encode()
        self.lib.SSL_CTX_set_alpn_protos(self.context, alpn, len(alpn))
        self.ssl = self.lib.SSL_new(self.context)
        self.lib.SSL_ctrl(self.ssl, self.lib.SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, SERVER_NAME.encode())
        self.lib.SSL_set_fd(self.ssl, self.sock.fileno())
        if self.lib.SSL_connect(self.ssl) != 1:
            self.close()
            raise Gone("the TLS handshake of the enrolment failed")
        out = ctypes.create_string_buffer(32)
        label = b"EXPORTER-madoguchi-enrolment"
        if self.lib.SSL_export_keying_material(self.ssl, out, 32, label, len(label), b"", 0, 1) != 1:
            raise RuntimeError("no TLS exporter")
        self.exporter = out.raw

    def _limit(self, timeout):
        whole = int(timeout)
        limit = struct.pack("ll", whole, max(int((timeout - whole) * 1e6), 1000))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, data, timeout):
        self._limit(timeout)
        if self.lib.SSL_write(self.ssl, data, len(data)) != len(data):
            raise OSError("the enrolment connection broke while sending")

    def receive(self, timeout):
        self._limit(timeout)
        buffer = ctypes.create_string_buffer(65536)
        count = self.lib.SSL_read(self.ssl, buffer, 65536)
        if count > 0:
            return buffer.raw[:count]
        if self.lib.SSL_get_error(self.ssl, count) == 2:  # SSL_ERROR_WANT_READ: the time is over
            raise socket.timeout()
        return b""

    def close(self):
        if self.ssl:
            self.lib.SSL_free(self.ssl)
            self.lib.SSL_CTX_free(self.context)
            self.ssl = None
        self.sock.close()


class Wire:
    """Frames over a link."""

    def __init__(self, link):
        self.link = link
        self.buffer = bytearray()
        self.last_bytes = time.monotonic()

    def send_bytes(self, content, timeout=10):
        try:
            self.link.send(struct.pack(">I", len(content)) + content, timeout)
        except (OSError, ssl.SSLError) as error:
            raise Gone(f"sending failed: {error}") from error

    def receive(self, timeout):
        """The next frame, or None when none came in time; what is there already is always looked at."""
        end, is_first = time.monotonic() + timeout, True
        while True:
            if len(self.buffer) >= 4:
                length = struct.unpack_from(">I", self.buffer)[0]
                if length > 256 * 1024:
                    raise AssertionError(f"the server sent a frame of {length} bytes")
                if len(self.buffer) >= 4 + length:
                    frame = Frame.FromString(bytes(self.buffer[4:4 + length]))
                    del self.buffer[:4 + length]
                    return frame
            left = max(end - time.monotonic(), 0)
            if left == 0 and not is_first:
                return None
            is_first = False
            try:
                data = self.link.receive(left)
            except (socket.timeout, ssl.SSLWantReadError):
                return None
            except (OSError, ssl.SSLError) as error:
                raise Gone(f"receiving failed: {error}") from error
            if not data:
                raise Gone("the server closed the connection")
            self.buffer += data
            self.last_bytes = time.monotonic()


# --- calls ---------------------------------------------------------------------------------------------


def new_key():
    return os.urandom(16)


def now_us():
    return time.time_ns() // 1000


def body_of(domain, op, fields=None):
    """Body{domain{op{fields}}}: fields is a dict or the call's message."""
    body = PB["frame"].Body()
    call = getattr(getattr(body, domain), op)
    call.SetInParent()
    if isinstance(fields, dict):
        for name, value in fields.items():
            if isinstance(value, (list, tuple)):
                getattr(call, name).extend(value)
            elif isinstance(value, dict):
                field = getattr(call, name)
                field.CopyFrom(type(field)(**value))
            else:
                setattr(call, name, value)
    elif fields is not None:
        call.CopyFrom(fields)
    return body


def content_of(body):
    """The message in the arm of the arm: answers and rows alike; None when there is none."""
    domain = body.WhichOneof("domain")
    if domain is None:
        return None
    inner = getattr(body, domain)
    arm = inner.WhichOneof("of")
    return getattr(inner, arm) if arm else None


class Client:
    """One connection. Responses are matched by id, parts go into replicas, pings are answered while it waits."""

    def __init__(self, link, hello=True, program="stranger 1"):
        self.wire = Wire(link)
        self.next_id = 1
        self.responses = {}
        self.parts = collections.deque()
        self.pongs = []
        self.goodbye = None
        self.offset_us = 0
        self.welcome = None
        if hello:
            self.hello(program)

    def close(self):
        self.wire.link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _take(self, frame):
        kind = frame.WhichOneof("kind")
        if kind == "response":
            self.responses[frame.response.id] = frame.response
        elif kind == "part":
            self.parts.append(frame.part)
        elif kind == "ping":
            if frame.ping.server_us:
                self.offset_us = frame.ping.server_us - now_us()
            answer = Frame()
            answer.pong.number = frame.ping.number
            self.wire.send_bytes(answer.SerializeToString())
        elif kind == "pong":
            self.pongs.append(frame.pong)
        elif kind == "goodbye":
            self.goodbye = frame.goodbye

    def pump(self, timeout):
        """Takes in one frame. False: none came in time."""
        try:
            frame = self.wire.receive(timeout)
        except Gone as gone:
            raise Gone(str(gone), self.goodbye) from gone
        if frame is None:
            return False
        self._take(frame)
        return True

    def wait(self, is_done, timeout, what):
        end = time.monotonic() + timeout
        while not is_done():
            left = end - time.monotonic()
            if left <= 0 or (not self.pump(left) and time.monotonic() >= end):
                if is_done():
                    return
                raise TimeoutError(f"{what}: nothing within {timeout} s")

    def wait_gone(self, timeout=10):
        """Waits until the server closes; returns the Gone."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                self.pump(max(end - time.monotonic(), 0.001))
            except Gone as gone:
                return gone
        raise TimeoutError(f"the server did not close within {timeout} s")

    def send_request(self, body, key=b"", waited=None):
        request = Request(id=self.next_id, request_key=key)
        self.next_id += 1
        if body is not None:
            request.body.CopyFrom(body)
        if waited is not None:
            request.waited.CopyFrom(waited)
        self.wire.send_bytes(Frame(request=request).SerializeToString())
        return request.id

    def response(self, request_id, timeout=30):
        self.wait(lambda: request_id in self.responses, timeout, f"response {request_id}")
        return self.responses.pop(request_id)

    def ask(self, domain, op, fields=None, key=b"", waited=None, timeout=30):
        """The response, accepted or not."""
        return self.response(self.send_request(body_of(domain, op, fields), key, waited), timeout)

    def call(self, domain, op, fields=None, key=b"", waited=None, timeout=30):
        """The accepted response; raises Refused."""
        response = self.ask(domain, op, fields, key, waited, timeout)
        if response.HasField("refusal"):
            raise Refused(response.refusal, f"{domain}.{op}")
        return response

    def read(self, domain, op, fields=None):
        """The content of the answer."""
        return content_of(self.call(domain, op, fields).body)

    def write(self, domain, op, fields=None, key=None, waited=None):
        """A write with a key of its own."""
        return self.call(domain, op, fields, key or new_key(), waited)

    def hello(self, program="stranger 1", least=1, most=1):
        sent = now_us()
        response = self.call("centre", "hello", {"protocol_min": least, "protocol_max": most, "program": program,
                                                 "terminal_us": sent})
        self.welcome = response.body.centre.welcome
        self.offset_us = self.welcome.server_us - (sent + now_us()) // 2
        return self.welcome

    def server_now_us(self):
        return now_us() + self.offset_us

    def sign_in(self, name, secret):
        return content_of(self.call("sign_in", "start", {"name": name, "secret": secret}).body)

    def count(self, place_id, purpose_id, people, at_us=None, key=None, waited=None, is_estimate=False):
        return self.write("visits", "count",
                          {"place_id": place_id, "purpose_id": purpose_id, "people": people,
                           "at_us": at_us or self.server_now_us(), "is_estimate": is_estimate}, key, waited)

    def subscribe(self, replica, view=""):
        answer = self.call("feed", "subscribe", {"subscription": replica.subscription, "view": view,
                                                 "epoch": replica.epoch, "since_rev": replica.rev})
        # Parts that came before this answer are of the subscription that it takes the place of.
        self.parts = collections.deque(p for p in self.parts if p.subscription != replica.subscription)
        replica.on_subscribed(answer.body.feed.subscribed)
        return answer.body.feed.subscribed

    def follow(self, replica, until, timeout=20, what="the feed"):
        """Takes parts into the replica until until() holds."""
        end = time.monotonic() + timeout
        while True:
            while self.parts:
                part = self.parts.popleft()
                if part.subscription == replica.subscription:
                    replica.take(part)
            if until():
                return
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{what}: not seen within {timeout} s (rev {replica.rev})")
            self.pump(left)

    def catch_up(self, replica, timeout=30):
        self.subscribe(replica)
        self.follow(replica, lambda: replica.is_caught_up, timeout, "catching up")
        return replica


class Replica:
    """What a subscription holds, in memory."""

    def __init__(self, subscription=1):
        self.subscription = subscription
        self.epoch, self.rev, self.rows = b"", 0, {}
        self.is_caught_up, self.resets, self.parts = False, 0, 0
        self.expected = None

    def on_subscribed(self, answer):
        self.epoch = answer.epoch
        self.expected = answer.since_rev
        self.is_caught_up = False

    def take(self, part):
        if part.from_rev == 0:
            self.rows.clear()
            self.resets += 1
        elif part.from_rev != self.expected:
            raise AssertionError(f"a hole in the feed: part from {part.from_rev}, expected {self.expected}")
        if part.to_rev < part.from_rev:
            raise AssertionError(f"a part that goes backwards: {part.from_rev} to {part.to_rev}")
        if len(part.rows) > 500:
            raise AssertionError(f"a part of {len(part.rows)} rows")
        last = part.from_rev
        for row in part.rows:
            if row.rev < last or row.rev > part.to_rev:
                raise AssertionError(f"row {row.kind}/{row.id} rev {row.rev} outside {last}..{part.to_rev}")
            last = row.rev
            if row.is_removed:
                self.rows.pop((row.kind, row.id), None)
            else:
                self.rows[(row.kind, row.id)] = row
        for horizon in part.horizons:
            for name in [n for n, row in self.rows.items()
                         if row.kind == horizon.kind and 0 < row.day < horizon.from_day]:
                del self.rows[name]
        self.expected = self.rev = part.to_rev
        self.is_caught_up = part.is_caught_up
        self.parts += 1

    def of_kind(self, kind):
        return [row for (row_kind, _), row in sorted(self.rows.items()) if row_kind == kind]


# --- a terminal's own store and its way to the server --------------------------------------------------


class Profile:
    """Key, certificate and authorities of one terminal, as files in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.terminal_id, self.name, self.kind = 0, "", 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def store(self, certificate, authorities, key_pem=None):
        self._write("terminal.pem", ssl.DER_cert_to_PEM_cert(certificate))
        self.store_authorities(authorities)
        if key_pem is not None:
            self._write("terminal.key", key_pem)

    def store_authorities(self, authorities):
        self._write("authorities.pem", "".join(ssl.DER_cert_to_PEM_cert(der) for der in authorities))

    def _write(self, name, text):
        descriptor = os.open(self.path(name) + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(self.path(name) + ".new", self.path(name))

    def tls_context(self, with_certificate=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks chain and name
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols([ALPN])
        context.load_verify_locations(self.path("authorities.pem"))
        if with_certificate:
            context.load_cert_chain(self.path("terminal.pem"), self.path("terminal.key"))
        return context

    def connect(self, address, hello=True, timeout=10, source=None, receive_buffer=0):
        sock = socket.socket(socket.AF_INET)
        try:
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # keeps the server's side small too
            if source:
                sock.bind((source, 0))
            sock.settimeout(timeout)
            sock.connect(address)
            wrapped = self.tls_context().wrap_socket(sock, server_hostname=SERVER_NAME)
        except OSError as error:
            sock.close()
            raise Gone(f"connecting failed: {error}") from error
        if wrapped.selected_alpn_protocol() != ALPN:
            wrapped.close()
            raise Gone(f"the server chose ALPN {wrapped.selected_alpn_protocol()!r}")
        client = Client(SocketLink(wrapped), hello=False)
        if hello:
            try:
                client.hello()
            except BaseException:
                client.close()
                raise
            self.store_authorities(client.welcome.authorities)
        return client

    def renew(self, client):
        request, key_pem = make_request(self.folder)
        answer = content_of(client.write("terminals", "renew", {"request": request}).body)
        self.store(answer.certificate, answer.authorities, key_pem)


def backoff(attempt):
    """Seconds to wait before this attempt (1, 2, …): full jitter."""
    return random.uniform(0, min(30, 0.5 * 2 ** (attempt - 1)))


# --- enrolment -----------------------------------------------------------------------------------------

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def normalize_code(typed):
    code = "".join(c for c in unicodedata.normalize("NFKC", typed).upper() if c not in " -")
    if len(code) != 10 or any(c not in ALPHABET for c in code):
        raise ValueError("a code has 10 letters and digits, without I, O, 0 and 1")
    return code


def argon2id(password, salt, memory_kib, passes):
    sodium = ctypes.CDLL("libsodium.so.23")
    if sodium.sodium_init() < 0:
        raise RuntimeError("libsodium does not start")
    sodium.crypto_pwhash.argtypes = [ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p, ctypes.c_ulonglong,
                                     ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_size_t, ctypes.c_int]
    out = ctypes.create_string_buffer(32)
    if sodium.crypto_pwhash(out, 32, password, len(password), salt, passes, memory_kib * 1024, 2) != 0:
        raise MemoryError("Argon2id failed")
    return out.raw


def proof(key, side, exporter, fingerprint):
    return hmac.new(key, f"madoguchi enrolment {side}".encode() + exporter + fingerprint, hashlib.sha256).digest()


def check_number(exporter, fingerprint, request):
    digest = hashlib.sha256(b"madoguchi check number" + exporter + fingerprint + request).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1000000:06d}"


def make_request(folder):
    """A fresh P-256 key (PEM) and its PKCS #10 request (DER)."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        key_path = os.path.join(work, "key.pem")
        request = subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             key_path, "-subj", "/CN=new", "-outform", "DER"], check=True, capture_output=True, timeout=30).stdout
        with open(key_path, encoding="ascii") as file:
            return request, file.read()


class NotOurServer(Exception):
    """The server could not prove that it knows the code."""


class Enrolment:
    """The steps of an enrolment on one connection; enrol() walks them."""

    def __init__(self, address, source=None):
        self.link = ExporterLink(address, source=source)
        self.client = Client(self.link)
        self.fingerprint = b""

    def prove(self, typed):
        offer = self.client.read("terminals", "open")
        if len(offer.salt) != 16 or offer.memory_kib < 65536 or offer.passes < 3 or offer.memory_kib > 1 << 20:
            raise NotOurServer("the server offers weak parameters")
        self.fingerprint = hashlib.sha256(offer.authority).digest()
        key = argon2id(normalize_code(typed).encode(), offer.salt, offer.memory_kib, offer.passes)
        exporter = self.link.exporter
        mine = proof(key, "terminal", exporter, self.fingerprint)
        answer = content_of(self.client.call("terminals", "prove", {"proof": mine}).body)
        if not hmac.compare_digest(answer.proof, proof(key, "server", exporter, self.fingerprint)):
            raise NotOurServer("the server does not know the code")

    def apply(self, request):
        answer = content_of(self.client.call("terminals", "apply", {"request": request}).body)
        mine = check_number(self.link.exporter, self.fingerprint, request)
        if mine != answer.check_number:
            raise NotOurServer("the check numbers differ")
        return mine

    def collect(self, timeout=30):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            answer = content_of(self.client.call("terminals", "collect").body)
            if not answer.is_waiting:
                if self.fingerprint not in [hashlib.sha256(der).digest() for der in answer.issued.authorities]:
                    raise NotOurServer("the proved authority is not among those to trust")
                return answer
            time.sleep(0.5)
        raise TimeoutError("the office did not decide")

    def close(self):
        self.client.close()


def enrol(address, typed, folder, on_check_number=None, source=None):
    """Enrols this machine; the profile in folder is then ready to connect."""
    enrolment = Enrolment(address, source)
    try:
        enrolment.prove(typed)
        request, key_pem = make_request(folder)
        number = enrolment.apply(request)
        if on_check_number is not None:
            on_check_number(number)
        answer = enrolment.collect()
    finally:
        enrolment.close()
    profile = Profile(folder)
    profile.store(answer.issued.certificate, answer.issued.authorities, key_pem)
    profile.terminal_id, profile.name, profile.kind = answer.terminal_id, answer.terminal_name, answer.kind
    if answer.server_name != SERVER_NAME:
        raise NotOurServer(f"an unknown server name {answer.server_name!r}")
    return profile
