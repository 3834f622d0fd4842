"""What really exists: the journals of the plugin `crashy` (tests/support/plugins/crashy/journal.hpp), and what is to go wrong in it."""
import collections
import dataclasses


@dataclasses.dataclass
class Resource:
    part: bool = False
    made: bool = False
    paused: bool = False
    token: str = ""
    events: list = dataclasses.field(default_factory=list)  # (event, boot, token)

    @property
    def exists(self):
        return self.part or self.made


def read(journal):
    now = Resource()
    for line in journal.read_text().splitlines():
        event, boot, token, *rest = line.split()
        now.events.append((event, boot, token))
        if event == "part":
            now.part = True
        elif event == "made":
            now.part = now.made = True
            now.token, now.paused = token, rest == ["paused"]
        elif event in ("paused", "running"):
            now.paused = event == "paused"
        elif event == "half":
            now.made = False
        elif event in ("gone", "lost"):
            now.part = now.made = now.paused = False
    return now


def everything(lab):
    """Resource by workload id, also of what existed once."""
    return {journal.name: read(journal) for kind in ("crashy", "crashynet") for journal in (lab.plug / kind).glob("*")}


def existing(lab):
    return {identity: resource for identity, resource in everything(lab).items() if resource.exists}


def made_count(resource):
    """How often each (boot, token) was made since it was last lost."""
    events = resource.events
    last = max((i for i, (event, _, _) in enumerate(events) if event == "lost"), default=-1)
    return collections.Counter((boot, token) for event, boot, token in events[last + 1:] if event == "made")


def lose(lab, identity):
    """Somebody outside destroys it."""
    for journal in lab.plug.glob(f"crashy*/{identity}"):
        with journal.open("a") as out:
            out.write(f"lost {lab.boot} -\n")


def script(lab, identity, *lines):
    """`<operation> <point> <action> [times]`, see script.hpp."""
    (lab.plug / "script" / identity).write_text("".join(f"{line}\n" for line in lines))


def reached(lab, identity, action):
    """Did the plugin come to the scripted `wait`, `hang`, `kill` or `segv`?"""
    return (lab.plug / "script" / f"{identity}.{action}").exists()
