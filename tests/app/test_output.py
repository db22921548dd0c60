"""The stream of the log: in order, complete, and never a reason to wait for its reader."""

import io
import os
import threading
from functools import partial
from typing import Any

from app.observing.output import Output


def test_lines_are_written_at_once_before_the_thread_starts() -> None:
    stream = io.BytesIO()
    output = Output(stream)
    output.write(b"one\n")
    assert stream.getvalue() == b"one\n"


def test_lines_from_the_thread_are_complete_and_in_order() -> None:
    stream = io.BytesIO()
    output = Output(stream)
    output.write_in_background()
    lines = [b"%d\n" % number for number in range(10_000)]
    for line in lines:
        output.write(line)
    output.close()
    output.write(b"last\n")
    assert stream.getvalue() == b"".join([*lines, b"last\n"])


def test_lines_that_are_made_later_keep_their_place() -> None:
    stream, makers = io.BytesIO(), set()
    output = Output(stream)

    def line(number: int) -> bytes:
        makers.add(threading.current_thread().name)
        return b"%d\n" % number

    output.write_later(partial(line, 0), 10)
    assert stream.getvalue() == b"0\n"
    assert makers == {threading.current_thread().name}
    makers.clear()
    output.write_in_background()
    for number in range(1, 1_000):
        if number % 3:
            output.write_later(partial(line, number), 10)
        else:
            output.write(b"%d\n" % number)
    output.close()
    assert stream.getvalue() == b"".join(b"%d\n" % number for number in range(1_000))
    assert makers == {"log"}


def test_a_line_that_can_t_be_made_is_counted_and_the_others_are_written() -> None:
    stream = io.BytesIO()
    told: list[int] = []
    output = Output(stream, told.append)
    output.write_in_background()

    def broken() -> bytes:
        raise ValueError

    output.write_later(broken, 10)
    output.write(b"next\n")
    output.close()
    assert stream.getvalue() == b"next\n"
    assert (output.dropped, told) == (1, [1])


def test_the_memory_of_lines_that_are_made_later_is_bounded() -> None:
    stream, begun, goes_on = io.BytesIO(), threading.Event(), threading.Event()
    output = Output(stream)
    output.write_in_background()

    def blocking() -> bytes:
        begun.set()
        goes_on.wait()
        return b"first\n"

    output.write_later(blocking, 10_000)
    begun.wait()
    for _ in range(400):
        output.write_later(lambda: b"more\n", 10_000)
    output.write_later(lambda: b"last\n", 10_000)  # exactly 4 MB wait, and it is taken
    assert output.dropped == 0
    output.write_later(lambda: b"over\n", 10_000)
    assert output.dropped == 1
    goes_on.set()
    output.close()
    assert stream.getvalue() == b"first\n" + b"more\n" * 400 + b"last\n"


def test_lines_that_nobody_reads_are_dropped_and_counted_once_somebody_does() -> None:
    read, write = os.pipe()
    told: list[int] = []
    with open(write, "wb") as stream, open(read, "rb") as reader:  # noqa: PTH123 # file descriptors
        output = Output(stream, told.append)
        output.write_in_background()
        line = b"x" * 9_999 + b"\n"
        for _ in range(1_000):  # 10 MB
            output.write(line)
        dropped, received = output.dropped, 0
        assert 500 < dropped < 1_000
        reading = threading.Thread(target=output.close)
        reading.start()
        while received < (1_000 - dropped) * len(line):
            received += len(reader.read1(1_000_000))
        reading.join()
    assert received == (1_000 - dropped) * len(line)
    assert told == [dropped]


def test_a_reader_that_is_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "wb", buffering=0)
    with stream:
        Output(stream).write(b"x\n")


def test_a_pipe_takes_lines_whole() -> None:
    """Writes of at most PIPE_BUF bytes are atomic, so lines of several workers don't mix."""
    written: list[bytes] = []

    class Pipe(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(bytes(data))
            return len(data)

    output = Output(Pipe())
    output.write_in_background()
    lines = [bytes([65 + number % 26]) * (number * 7 % 900) + b"\n" for number in range(500)]
    for line in lines:
        output.write(line)
    output.close()
    assert b"".join(written) == b"".join(lines)
    assert all(len(chunk) <= 4096 and chunk.endswith(b"\n") for chunk in written)
