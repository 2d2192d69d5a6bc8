"""The files through which the users of a server and its keeper know of each other."""

from gateway.embedded.locks import Lock
from gateway.embedded.places import Places


class Desk:
    def __init__(self, places: Places, name: str) -> None:
        places.locks.mkdir(mode=0o700, exist_ok=True)
        places.logs.mkdir(mode=0o700, exist_ok=True)
        self.users = Lock(places.locks / f"{name}.users")  # shared by users, exclusive while the server stops
        self.starting = Lock(places.locks / f"{name}.starting")  # one starter at a time
        self.keeper = Lock(places.locks / f"{name}.keeper")  # held as long as the keeper lives
        self.log = places.logs / f"{name}.log"
        self._state = places.locks / f"{name}.state"

    def say(self, state: str) -> None:
        """Leave word for the users: "starting", "ready", or "failed: " and a sentence."""
        draft = self._state.with_suffix(".new")
        draft.write_text(state)
        draft.replace(self._state)

    def state(self) -> str:
        return self._state.read_text()
