"""The tables; `migrations` makes them in a database, and a test holds the two together.

Times are microseconds since 1970, UTC. Ids are UUIDs of version 7 (RFC 9562), which are in the order of time. What is
sealed (`sealing`) cannot be read without the key, where one is configured.
"""

from typing import Any, Final

import sqlalchemy as sa

TABLES: Final = sa.MetaData()

#: The longest names that are kept in the clear, in characters.
NAME: Final = 255

#: Calls of hooks and their answers (CRD-76). `summary` is sealed and says what was decided, by which ids; `bodies` is
#: sealed and has the request and the response. `mentions` are the digests of this call in the table `mentions`. In
#: PostgreSQL both tables are partitioned by month (`partitions`).
EXCHANGES: Final = sa.Table(
    "exchanges",
    TABLES,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("client", sa.String(NAME), nullable=False),
    sa.Column("service", sa.String(NAME), nullable=False),
    sa.Column("hook", sa.String(NAME), nullable=False),
    sa.Column("version", sa.String(16)),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("duration", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String(NAME), nullable=False),
    sa.Column("mentions", sa.LargeBinary, nullable=False),
    sa.Column("summary", sa.LargeBinary, nullable=False),
    sa.Column("bodies", sa.LargeBinary, nullable=False),
    sa.Index("exchanges_of_client", "client", "id"),
)

#: In which calls an assertion, a card, an order or a hookInstance occurs, by a digest of it.
MENTIONS: Final = sa.Table(
    "mentions",
    TABLES,
    sa.Column("digest", sa.LargeBinary(16), primary_key=True),
    sa.Column("exchange", sa.LargeBinary(16), primary_key=True),
    sqlite_with_rowid=False,
)

#: What users did with cards (CDS Hooks, Feedback). `digest` is of the whole entry, so that each counts once; `exchange`
#: and `policies` are of the call that the card was in, where it is known; `entry` is sealed, with the user's comment.
FEEDBACK: Final = sa.Table(
    "feedback",
    TABLES,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("client", sa.String(NAME), nullable=False),
    sa.Column("service", sa.String(NAME), nullable=False),
    sa.Column("card", sa.LargeBinary(16), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(NAME)),
    sa.Column("exchange", sa.LargeBinary(16)),
    sa.Column("policies", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary(16), nullable=False, unique=True),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Index("feedback_of_card", "card"),
)

#: Who read bodies, exported or deleted, and why.
ACCESSES: Final = sa.Table(
    "accesses",
    TABLES,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(NAME), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("exchange", sa.LargeBinary(16)),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Index("accesses_of_exchange", "exchange"),
)

#: Tokens that were used: the digest of `iss` and `jti`, so that no token and no name can be read; until when it counts.
USED_TOKENS: Final = sa.Table(
    "used_tokens",
    TABLES,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)

#: What a payer has loaded (members, authorizations): each load is a generation, of which one of each name is current.
#: `cipher_key` names the key that it is sealed and digested with, `about` has counts as JSON. A load that has not
#: ended, or was replaced, is not current.
DIRECTORIES: Final = sa.Table(
    "directories",
    TABLES,
    sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("is_current", sa.Boolean, nullable=False),
    sa.Column("cipher_key", sa.LargeBinary(8)),
    sa.Column("about", sa.Text, nullable=False),
)

#: The rows of a generation, sealed.
DIRECTORY_ROWS: Final = sa.Table(
    "directory_rows",
    TABLES,
    sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

#: By which ids a row is found: keyed digests, so that no id can be read or tried without the key.
DIRECTORY_KEYS: Final = sa.Table(
    "directory_keys",
    TABLES,
    sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary(12), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)


def _facts() -> list[sa.Column[Any]]:
    """Return the columns of facts, and of their sums."""
    return [
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        *[sa.Column(name, sa.String(NAME), primary_key=True) for name in ("hook", "client", "payer", "policy")],
        *[sa.Column(name, sa.String(NAME), primary_key=True) for name in ("version", "what", "why")],
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
    ]


#: How often what was asked, answered and done with cards, day by day: counts and codes, nothing of a patient
#: (docs/insights.md has each kind). `what` is an outcome, a verdict, `pa-needed`, a key or a cause, `why` the basis,
#: the reason or, of calls, how many milliseconds they took at the most.
FACTS: Final = sa.Table("facts", TABLES, *_facts(), sqlite_with_rowid=False)

#: Sums of facts (`month_sums`): `day` is a month, or a day of one by `kind` and `what` alone.
FACT_SUMS: Final = sa.Table("fact_sums", TABLES, *_facts(), sqlite_with_rowid=False)

#: How often facts of a month were changed, and as of which change it was summed; -1 where it never was.
FACT_MONTHS: Final = sa.Table(
    "fact_months",
    TABLES,
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.Column("summed", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: How far the counting anew of facts came: the next day to count, by the name of the run.
FACT_PROGRESS: Final = sa.Table(
    "fact_progress",
    TABLES,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),
)

#: Cards that were overridden with a reason, where that is heeded: a keyed digest of the patient, the content of the
#: orders and the versions of the policies, and when.
OVERRIDES: Final = sa.Table(
    "overrides",
    TABLES,
    sa.Column("digest", sa.LargeBinary(16), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Index("overrides_by_time", "at"),
    sqlite_with_rowid=False,
)

#: Who is logged in to the console: the digest of the cookie's secret, so that no cookie can be made of it.
LOGINS: Final = sa.Table(
    "logins",
    TABLES,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("operator", sa.String(NAME), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: The chains of what is kept (`hash_chain`): each link names the records that were committed together, and its digest
#: is of them and of the link before, `previous`.
LINKS: Final = sa.Table(
    "links",
    TABLES,
    sa.Column("chain", sa.LargeBinary(16), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("records", sa.LargeBinary, nullable=False),
    sa.Column("previous", sa.LargeBinary(32), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Index("links_by_time", "at"),
    sqlite_with_rowid=False,
)
