"""A terminal of a Centre that is worked with madoguchictl."""
import json
import os
import subprocess

import harness

CTL = os.path.join(harness.BUILD, "client", "madoguchictl")
OK, REFUSED, INPUT, DENIED, UNAVAILABLE, CONFIG = range(6)


class CtlTerminal:
    def __init__(self, centre, name, kind):
        self.centre = centre
        self.profile = os.path.join(centre.server.folder, "ctl-" + name)
        self._enrol(name, kind)

    def _enrol(self, name, kind):
        server = self.centre.server
        code = self.centre.office_write("terminals", "enrol", {"name": name, "kind": kind})
        code = code.body.terminals.enrolled_code.code
        command, env = self.command("enrol", "--server", "%s:%d" % server.enrol_listen, "--port", str(server.listen[1]),
                                    "--code", code, "--json")
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            shown = []

            def has_come():
                number = self.centre.office_read("terminals", "enrolment_state").check_number
                shown[:] = [number] if number else []
                return bool(shown)

            harness.wait_until(has_come, 60, "the check number at the office")
            self.centre.office_write("terminals", "enrolment_decide", {"is_same": True})
            out, error = process.communicate(timeout=60)
            if process.returncode != OK or json.loads(out)["check_number"] != shown[0]:
                raise AssertionError(f"enrolment of {name} ended with {process.returncode}: {out}{error}, {shown}")
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()
            process.stderr.close()

    def command(self, *words, language="en"):
        return [CTL, *words], dict(os.environ, LANGUAGE=language, MADOGUCHI_PROFILE=self.profile)

    def run(self, *words, text_in=None, language="en", timeout=120):
        command, env = self.command(*words, language=language)
        return subprocess.run(command, env=env, capture_output=True, text=True, input=text_in, timeout=timeout)

    def ok(self, *words, **options):
        """The JSON document of a command that must succeed."""
        done = self.run(*words, "--json", **options)
        if done.returncode != OK:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def fails(self, code, *words, **options):
        """The JSON document of a command that must end with this exit code."""
        done = self.run(*words, "--json", **options)
        if done.returncode != code:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def sign_in(self, name, secret):
        self.ok("sign-in", "--name", name, "--secret-stdin", text_in=secret + "\n")
