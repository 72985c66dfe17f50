from dlt_sources.sentry.limiter import Limiter


class Time:
    def __init__(self):
        self.now = 100.0
        self.sleeps = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(round(seconds, 6))
        self.now += seconds


def limiter(per_second):
    time = Time()
    return Limiter(per_second, time.clock, time.sleep), time


def test_starts_are_spaced_evenly():
    one, time = limiter(4)
    for _ in range(4):
        one.wait()
    assert time.sleeps == [0.25, 0.25, 0.25]
    assert one.waited_s == 0.75


def test_time_that_passes_by_itself_counts():
    one, time = limiter(4)
    one.wait()
    time.now += 10
    one.wait()
    assert time.sleeps == []


def test_a_pause_holds_every_start_back():
    one, time = limiter(1000)
    one.wait()
    one.pause(7)
    one.wait()
    assert time.sleeps == [7.0]


def test_a_shorter_pause_does_not_end_a_longer_one():
    one, time = limiter(1000)
    one.pause(7)
    one.pause(1)
    one.wait()
    assert time.sleeps == [7.0]
