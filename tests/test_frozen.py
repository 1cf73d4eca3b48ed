"""Frozen classes behave as frozen dataclasses do."""

import dataclasses
import pickle

import pytest

from intermodal.frozen import Frozen, defaults_of


class Pair(Frozen):
    """Two values and a list."""

    left: int
    right: int = 2
    more: list[int] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        return self.left + self.right


class Other(Frozen):
    """Looks the same."""

    left: int
    right: int = 2
    more: list[int] = dataclasses.field(default_factory=list)


class Even(Frozen):
    """Checks its value."""

    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("odd")


def test_values_are_given_by_position_or_name_and_defaults_are_filled_in():
    assert Pair(1) == Pair(left=1, right=2, more=[])
    assert Pair(1, 3).total == 4
    assert repr(Pair(1)) == "Pair(left=1, right=2, more=[])"
    assert defaults_of(Pair) == {"left": dataclasses.MISSING, "right": 2, "more": []}


def test_each_instance_has_its_own_default():
    Pair(1).more.append(5)
    assert Pair(1).more == []


@pytest.mark.parametrize(
    ("args", "values", "message"),
    [
        ((), {}, "Pair needs 'left'"),
        ((1,), {"middle": 2}, "Pair has no field 'middle'"),
        ((1,), {"left": 2}, "given twice"),
        ((1, 2, [], 4), {}, "too many"),
    ],
)
def test_wrong_values_are_refused(args, values, message):
    with pytest.raises(TypeError, match=message):
        Pair(*args, **values)


def test_nothing_changes_an_instance():
    pair = Pair(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.left = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del pair.left


def test_equal_if_class_and_fields_are():
    assert Pair(1) != Other(1)
    assert Pair(1) != Pair(2)
    assert hash(Even(2)) == hash(Even(2)) != hash(Even(4))
    assert len({Even(2), Even(2), Even(4)}) == 2


def test_what_a_class_checks_is_checked():
    assert Even(2).number == 2
    with pytest.raises(ValueError, match="odd"):
        Even(3)


def test_it_is_a_dataclass_that_copies_pickles_and_matches():
    assert dataclasses.replace(Pair(1), right=5) == Pair(1, 5)
    assert pickle.loads(pickle.dumps(Pair(1, 3))) == Pair(1, 3)
    match Pair(1, 3):
        case Pair(left, right):
            assert (left, right) == (1, 3)
