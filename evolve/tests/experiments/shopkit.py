"""Functions that the experiments of this folder call."""


def number():
    return 5


def word():
    return "five"


def is_odd(value=None):
    return value % 2 == 1


def boom(why="no reason"):
    raise ValueError(why)


def needs_number(number):
    if not isinstance(number, int):
        raise TypeError(f"{number!r} is not a number")


def log_in(greeting, secrets=None, configuration=None):
    print("a module may print")
    if secrets != {"token": "hunter22", "plain": "inline-value"}:
        raise ValueError("other secrets")
    return {"greeting": greeting, "who": configuration["who"], "token": secrets["token"]}


def knows(token, secrets="nothing"):
    return token == "hunter22" and secrets == "nothing"
