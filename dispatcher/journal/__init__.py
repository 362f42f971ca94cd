"""What this host remembers of messages beyond the life of one process: the journal on disk, one folder for all daemons.

    journal   `HostJournal`: on disk while the disk bears it, in memory while it does not
    ├── marks     the messages in hand: two writes for one that is served
    ├── disk      all that lies in the folder
    │   ├── sent      who was served and which copies were settled: a SQLite file for each span of time
    │   ├── hands     what each process has in hand and has served of late: a file for each, locked as long as it lives
    │   │   └── places    what stands in one place of such a file
    │   └── deaths    how often a process died while it worked on a message
    ├── memory    the same notes while the disk is away
    ├── notes     the notes themselves, in SQL; the same on disk and in memory
    └── database  one SQLite file that may be taken away or spoilt at any moment

Everything below `journal` raises what the disk raises (`database.TROUBLES`); there it ends. Processes of different
versions share the folder: a new shape of a file takes a new name.
"""

from dispatcher.journal.journal import HostJournal

__all__ = ["HostJournal"]
