"""What `make bench` runs: each part yields rows, or single figures, as it goes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from benchmarks import healthchain, postgresql, rules, slow_flush, startup
from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, is_answered, measure
from benchmarks.members import write_members
from benchmarks.neighbours import Neighbour, count_calls, take_close_turns
from benchmarks.rounds import Case, Row, take_turns
from benchmarks.services import ROOT, Plan, Service, running
from benchmarks.tokens import ALGORITHMS, Client
from benchmarks.variants import SETTINGS

#: Connections of what is compared part by part.
_CONNECTIONS: Final = 8

#: Connections at which only the slowest calls as shipped are asked for.
_MANY: Final = 64

#: So many more tokens are signed than a service without any answered calls, and for so many calls a second at least.
_SPARE: Final = 1.3
_LEAST: Final = 3000

#: The service with its parts switched on in turn.
_PARTS: Final = {"bare answer": "bare", "+ logs": "logs", "+ metrics": "metrics", "as shipped": "shipped"}
_EVERYTHING: Final = "as shipped, JWT ES384"
_MEMBERS: Final = ("without members", "with members")

_NOTES: Final = {"note of 1 kB": 1_000, "note of 100 kB": 100_000, "note of 1 MB": 1_000_000}
_ORDERS: Final = (1, 5, 20, 200)

#: Which of the bodies a small run has.
_FEW_BODIES: Final = ("1 order", "20 orders", "200 orders", "note of 100 kB")


class Scale(NamedTuple):
    """How much is measured: rounds and seconds of each, seconds of the parts with many cases, times that it is started.

    `turns` has what is judged to a tenth, by a few calls each.
    """

    rounds: int = 3
    seconds: int = 2
    short: int = 1
    turns: int = 40
    starts: int = 5
    is_small: bool = False


FULL: Final = Scale()
SMALL: Final = Scale(rounds=2, seconds=1, starts=1, is_small=True)


class Bench:
    """A run: its scale, the checkout whose service is measured, and a folder for all that it writes."""

    def __init__(self, scale: Scale, checkout: Path, folder: Path) -> None:
        self.scale, self.checkout, self._folder = scale, checkout, folder
        self._shipped = Plan("as shipped", SETTINGS["shipped"], checkout=checkout)
        self.figures: dict[str, float] = {}

    def run(self) -> Iterator[list[Row]]:
        """Yield the rows of one part after the other; single figures are in `figures` in the end."""
        with self._services() as services:
            yield self._compare(services)
            yield self._connections(services)
            yield self._bodies(services["as shipped"])
        if not self.scale.is_small:
            yield self._try(self._rules)
            yield self._try(self._members)
            yield self._try(self._tokens)
            self._slow_flush()
        self._startup()

    def _try(self, part: Callable[[], list[Row]]) -> list[Row]:
        """Return a part's rows; none, and why, where another checkout does not have what is measured."""
        try:
            return part()
        except (LoadError, RuntimeError) as error:
            if self.checkout == ROOT:
                raise
            print(f"left out: {str(error).splitlines()[0]}")
            return []

    @contextmanager
    def _services(self) -> Iterator[dict[str, Service]]:
        """Run what is compared, and warm it up."""
        folder = self._folder / "services"
        folder.mkdir()
        plans = [Plan("echo", is_echo=True, checkout=self.checkout)]
        plans += [Plan(name, SETTINGS[part], checkout=self.checkout) for name, part in _PARTS.items()]
        with ExitStack() as stack:
            if not self.scale.is_small:
                self._client = Client(self._folder / "client")
                plans += self._with_tokens()
                others = stack.enter_context(postgresql.plan("PostgreSQL", SETTINGS["shipped"])), healthchain.plan()
                plans += [plan._replace(checkout=self.checkout) for plan in others if plan]
            services = stack.enter_context(running(plans, folder))
            self._rates = {service.name: self._warm_up(service) for service in services if "JWT" not in service.name}
            yield {service.name: service for service in services}

    def _with_tokens(self) -> list[Plan]:
        asked = self._client.variables()
        named = {f"+ JWT {algorithm}": SETTINGS["metrics"] for algorithm in ALGORITHMS}
        named[_EVERYTHING] = SETTINGS["shipped"]
        return [Plan(name, {**part, **asked}, checkout=self.checkout) for name, part in named.items()]

    def _warm_up(self, service: Service) -> float:
        return measure(service, self._call(service.name)(), _CONNECTIONS, 1).rate

    def _call(self, name: str) -> Callable[[], Call]:
        """Return what makes the one-order call of a service."""
        path = healthchain.PATH if name == "HealthChain" else SIGN
        if "JWT" not in name:
            return partial(Call, path, sign())
        most = int(max(self._rates["+ metrics"] * _SPARE, _LEAST) * self.scale.seconds)
        return lambda: Call(path, sign(), self._client.sign(name[-5:], most))

    def _compare(self, services: dict[str, Service]) -> list[Row]:
        cases = [Case(name, service, self._call(name), _CONNECTIONS) for name, service in services.items()]
        if not self.scale.is_small:
            self.figures |= {f"check of {name}, µs": self._client.check_cost(name) for name in ALGORITHMS}
        return take_turns("parts", cases, self.scale.seconds, self.scale.rounds)

    def _connections(self, services: dict[str, Service]) -> list[Row]:
        names, many = ("echo", "+ logs", "as shipped"), (32,) if self.scale.is_small else (1, 32)
        cases = [Case(name, services[name], self._call(name), number) for number in many for name in names]
        if not self.scale.is_small:
            cases.append(Case("as shipped", services["as shipped"], self._call("as shipped"), _MANY))
        return take_turns("connections", cases, self.scale.short, self.scale.rounds)

    def _bodies(self, service: Service) -> list[Row]:
        made = {_count(n): partial(sign, n) for n in _ORDERS}
        made |= {f"{_count(n)}, no policy": partial(sign, n, matched=False) for n in _ORDERS}
        made |= {name: partial(sign, note=length) for name, length in _NOTES.items()}
        if self.scale.is_small:
            made = {name: made[name] for name in _FEW_BODIES}
        cases = [Case(name, service, partial(Call, SIGN, body()), 1) for name, body in made.items()]
        rounds = 1 if self.scale.is_small else self.scale.rounds - 1
        return take_turns("bodies", self._leave_out_refused(cases), self.scale.short, rounds)

    def _leave_out_refused(self, cases: list[Case]) -> list[Case]:
        """Leave out what the service of another checkout refuses, and say so; of this one that is an error."""
        if self.checkout == ROOT:
            return cases
        answered = [case for case in cases if is_answered(case.service, case.call())]
        left_out = [case.name for case in cases if case not in answered]
        if left_out:
            print(f"refused, and left out: {', '.join(left_out)}")
        return answered

    def _rules(self) -> list[Row]:
        """Compare rules of different size."""
        folder = self._folder / "rules"
        folder.mkdir()
        return self._compare_closely(rules.plans(folder / "data", self.checkout), folder, rules.request())

    def _members(self) -> list[Row]:
        """Compare a service that looks each patient up among members, kept beside its records, with one without."""
        folder = self._folder / "members"
        folder.mkdir()
        url = f"sqlite:///{folder}/members.sqlite3"
        write_members(url)
        plans = [self._shipped._replace(name=name) for name in _MEMBERS]
        asked = {**plans[1].variables, "CRD_MEMBERS": "database", "CRD_DATABASE_URL": url}
        return self._compare_closely([plans[0], plans[1]._replace(variables=asked)], folder, sign())

    def _tokens(self) -> list[Row]:
        """Compare a service that looks at tokens with one that does not."""
        folder = self._folder / "tokens"
        folder.mkdir()
        without = Plan("without a token", SETTINGS["metrics"], checkout=self.checkout)
        asked = {**without.variables, **self._client.variables()}
        plans = [without._replace(name=f"token of {name}", variables=asked) for name in ALGORITHMS]
        calls = count_calls(self.scale.turns)
        signed = {f"token of {name}": self._client.sign(name, calls) for name in ALGORITHMS}
        return self._compare_closely([without, *plans], folder, sign(), signed)

    def _compare_closely(
        self, plans: list[Plan], folder: Path, body: bytes, tokens: Mapping[str, Path] = MappingProxyType({})
    ) -> list[Row]:
        """Compare services under one worker and one connection: processor time is what is judged."""
        with running(plans, folder, workers=1) as services:
            asked = [Neighbour(service, SIGN, body, tokens.get(service.name)) for service in services]
            return take_close_turns(folder.name, asked, self.scale.turns)

    def _slow_flush(self) -> None:
        folder = self._folder / "slow-flush"
        folder.mkdir()
        if delays := slow_flush.measure_delays(self._shipped, folder):
            self.figures["late calls a caller"] = delays.late / slow_flush.CALLERS
            self.figures["recorded meanwhile"] = delays.meanwhile
            self.figures["worst recorded call, ms"] = delays.worst
            self.figures["worst unrecorded call, ms"] = delays.worst_unrecorded

    def _startup(self) -> None:
        folder = self._folder / "startup"
        folder.mkdir()
        self.figures["start to first answer, s"] = startup.first_answer(self._shipped, folder, self.scale.starts)
        self.figures["crd --help, s"] = startup.show_help(self.checkout, self.scale.starts)


def _count(orders: int) -> str:
    return "1 order" if orders == 1 else f"{orders} orders"
