"""What the edge lets in, and what it tells."""

from dataclasses import dataclass, field

from app.api.allowances import Allowances
from app.api.documents import TrustedDocuments
from app.api.seats import Seats
from app.api.sharing.groups import Groups


@dataclass(frozen=True, slots=True)
class Edge:
    """The limits of a process; as it is made without settings, there are none.

    `introspection`: the schema may be asked for. `suggestions`: errors say what may have been meant, which tells of
    the schema, too. `compiled`: operations that come again are run by compiled plans, and are not parsed again.
    `groups`: of subscriptions that share their executions; null where none does.
    """

    allowances: Allowances = field(default_factory=Allowances)
    seats: Seats = field(default_factory=Seats)
    documents: TrustedDocuments = field(default_factory=TrustedDocuments)
    introspection: bool = True
    suggestions: bool = True
    compiled: bool = True
    groups: Groups | None = None
