"""What a notification costs here and elsewhere: `make bench`, whose figures are in docs/performance.md.

    make bench                             the default run, at most ten minutes on two cores
    make bench ARGS=--quick                at most two minutes
    make bench ARGS="--long --page"        everything, and docs/performance.md written anew
    make bench ARGS="--only latency"       one of the measurements; may be repeated

The same work for each contender, in turn, several rounds: a backlog in a RabbitMQ of our own, templates on disk, and
Postfix's `smtp-sink`, which counts what came. A round counts only if each mail came once and the queue is empty after.

    work, envelopes          the work, and how each library's publisher writes it
    contenders, apps/        who takes part; a program for each, as its own docs recommend it
    stage, sink, queues      a broker, a mail server that counts, a publisher
    race                     one contender, one round: started, warmed up, stopped, given the backlog, released, counted
    floor                    the least that the same steps can cost: AMQP, rendering, SMTP, each alone
    parts, chats, slow, latency,    the other measurements
    memory, startup
    figures, report, plot    medians, spreads and ratios; the tables; the picture
    processes                CPU time and memory of a program and all its children

Neither the contenders nor what counts them knows anything of the package `dispatcher`: it is started as its operators
start it, by `dispatcher/main.py`, with default settings, its log in a file.
"""
