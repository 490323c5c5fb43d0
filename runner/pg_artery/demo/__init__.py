"""`artery demo`: orders of a small pump maker, delivered to a demo MES while things break.

stage      a throwaway cluster, the company's data, the MES, runners
story      what happens on it, act by act
ending     the proof shown, the database kept
proof      whether it held: the database's record against the MES's own
report     tables for people, one object for programs
mes        the other side: a process of its own
"""


class DemoError(Exception):
    """The demo could not go on; the text says where it stood."""
