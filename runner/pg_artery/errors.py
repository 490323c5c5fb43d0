"""Errors that people see: one SQLSTATE each, one exit code each, always with a hint."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

EXIT_FAILED = 1
EXIT_USAGE = 2  # click's own
EXIT_DATABASE = 3
EXIT_CONFLICT = 4
EXIT_REFUSED = 5

# a function, schema, table or column that is not there
NOT_INSTALLED = ("42883", "3F000", "42P01", "42703", "42809")

#: SQLSTATE -> (what it means, exit code). A class (two characters) stands for all codes not listed.
SQLSTATES: dict[str, tuple[str, int]] = {
    "IN027": ("there is no such attachment", EXIT_USAGE),
    "IN030": ("there is no usable vault key", EXIT_REFUSED),
    "IN031": ("no such secret", EXIT_USAGE),
    "IN032": ("the secret has another version than expected", EXIT_CONFLICT),
    "IN033": ("endpoints refer to the secret", EXIT_REFUSED),
    "IN034": ("the bound endpoint's address has changed", EXIT_CONFLICT),
    "IN035": ("a sealed secret does not open", EXIT_FAILED),
    "IN036": ("a secret is sealed with a key that is not at hand", EXIT_FAILED),
    "IN037": ("what was given can be no secret", EXIT_USAGE),
    "IN120": ("no such item", EXIT_USAGE),
    "IN121": ("no such revision of a bill of material", EXIT_USAGE),
    "IN041": ("no such endpoint", EXIT_USAGE),
    "IN042": ("the monitor page would be open to everybody", EXIT_REFUSED),
    "IN050": ("the configuration file is wrong", EXIT_USAGE),
    "IN051": ("a file is there that would be overwritten", EXIT_REFUSED),
    "IN060": ("the database sends nothing until artery arm", EXIT_REFUSED),
    "IN061": ("a reason is needed", EXIT_USAGE),
    "IN062": ("what waits cannot be cancelled now", EXIT_CONFLICT),
    "IN070": ("another archive run is at work", EXIT_CONFLICT),
    "IN071": ("it is no detached partition past its age", EXIT_CONFLICT),
    "IN072": ("the file does not hold the partition's rows", EXIT_FAILED),
    "IN073": ("a partition that is being archived takes no writes", EXIT_REFUSED),
    "IN074": ("a file is not the archive that its manifest tells of", EXIT_FAILED),
    "IN075": ("Parquet needs pyarrow", EXIT_USAGE),
    "IN076": ("a partition is being read, and was not detached in time", EXIT_CONFLICT),
    "IN901": ("an applied migration file was edited", EXIT_CONFLICT),
    "IN902": ("the database holds pg_artery as an extension", EXIT_REFUSED),
    "IN903": ("a migration was applied that this version does not have", EXIT_CONFLICT),
    "IN904": ("sql/manifest.txt and the files in sql/ disagree", EXIT_FAILED),
    "IN905": ("objects in the database that the code did not create", EXIT_CONFLICT),
    "IN906": ("the rollback would lose data", EXIT_REFUSED),
    "IN907": ("a lock was not to be had in time", EXIT_CONFLICT),
    "IN908": ("a file of sql/ or a migration failed", EXIT_FAILED),
    "IN909": ("a migration file breaks the rules", EXIT_FAILED),
    "IN910": ("no such migration is applied", EXIT_USAGE),
    "IN911": ("the SQL files of the package are missing", EXIT_FAILED),
    "IN912": ("the database has no pg_artery, or another version of it", EXIT_CONFLICT),
    "IN913": ("artery migrate installed pg_artery in this database", EXIT_REFUSED),
    "IN914": ("a restore in which triggers would fire", EXIT_REFUSED),
    "IN915": ("the script is for another state of the database", EXIT_CONFLICT),
    "IN916": ("there is no scratch database to plan in", EXIT_REFUSED),
    "08": ("the connection failed", EXIT_DATABASE),
    "28": ("the login was refused", EXIT_DATABASE),
    "57": ("the server stopped or cancelled the work", EXIT_DATABASE),
    "42501": ("the role lacks a privilege", EXIT_REFUSED),
}


def exit_code(sqlstate: str | None) -> int:
    """Give the exit code for an SQLSTATE; None, as from a lost connection, counts as class 08."""
    state = sqlstate or "08000"
    _, code = SQLSTATES.get(state) or SQLSTATES.get(state[:2]) or ("", EXIT_FAILED)
    return code


@dataclass
class ArteryError(Exception):
    """An error with the four parts that a PostgreSQL error has."""

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this error."""
        return exit_code(self.sqlstate)

    def as_dict(self) -> dict[str, str | None]:
        """Give the error as programs read it."""
        return {
            "sqlstate": self.sqlstate,
            "message": self.message,
            "detail": self.detail,
            "hint": self.hint,
        }


def sql_error(error: psycopg.Error, *where: str) -> Exception:
    """Put an error of the server into our form.

    :param where: what comes before the message: the file, what was done with it
    :returns: the error itself if it is about the connection or a lock, not about the file
    """
    if isinstance(error, psycopg.OperationalError):
        return error
    diag = error.diag
    hint = "Nothing of it was kept. Mend the cause and run again."
    if error.sqlstate == "42501":
        hint = "Connect as the owner of the database, or as a role that may create schemas in it."
    if error.sqlstate == "2BP01":
        hint = "Drop those objects of yours first (triggers of bind_outbox: artery.unbind_outbox)."
    return ArteryError(
        error.sqlstate or "IN908",
        ": ".join((*where, diag.message_primary or str(error))),
        diag.message_detail or diag.context,
        diag.message_hint if diag.message_hint and error.sqlstate != "2BP01" else hint,
    )
