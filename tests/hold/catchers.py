"""Shapes of code around a call that fails. Each function is one shape; `fail` raises what its caller asks for.

A function's last word says what is expected: `_ends` where the exception does not come out, `_leaves` where it does, and
`_late` where it does too, but that is only known when the function has raised it again, and `_wrapped` where it does as
part of a group. `_never`: it is not an error.
"""

import asyncio
import contextlib
import functools
import operator
import tempfile
import threading
import unittest
import unittest.mock
from collections import UserDict
from types import SimpleNamespace


class Boom(Exception):
    pass


class Small(Boom):
    pass


def fail(kind=Boom):
    raise kind("boom")


# try


def bare_except_ends():
    try:
        fail()
    except:
        pass


def except_exception_ends():
    try:
        fail()
    except Exception:
        pass


def except_base_class_ends():
    try:
        fail(Small)
    except Boom:
        pass


def except_subclass_leaves():
    try:
        fail()
    except Small:
        pass


def except_other_leaves():
    try:
        fail()
    except ValueError:
        pass


def except_tuple_ends():
    try:
        fail()
    except (ValueError, Boom):
        pass


def except_tuple_of_others_leaves():
    try:
        fail()
    except (ValueError, KeyError):
        pass


def except_nested_tuple_in_variable_ends():
    kinds = (ValueError, Boom)
    try:
        fail()
    except kinds:
        pass


def except_attribute_ends():
    holder = SimpleNamespace(kind=Boom)
    try:
        fail()
    except holder.kind:
        pass


def except_attribute_of_other_leaves():
    holder = SimpleNamespace(kind=ValueError)
    try:
        fail()
    except holder.kind:
        pass


def except_parameter_ends(kind=Boom):
    try:
        fail()
    except kind:
        pass


def except_closure_ends():
    kind = Boom

    def inner():
        try:
            fail()
        except kind:
            pass

    inner()


def except_call_ends():
    try:
        fail()
    except operator.itemgetter(0)([Boom]):
        pass


def except_call_of_other_late():
    try:
        fail()
    except operator.itemgetter(0)([ValueError]):
        pass


def second_clause_ends():
    try:
        fail()
    except ValueError:
        pass
    except Boom as error:
        assert error


def named_clause_that_returns_ends():
    try:
        fail()
    except Boom as error:
        return str(error)


def clause_in_loop_that_continues_ends():
    for _ in range(2):
        try:
            fail()
        except Boom:
            continue


def clause_in_loop_that_breaks_ends():
    while True:
        try:
            fail()
        except Boom:
            break


def clause_that_raises_again_leaves():
    try:
        fail()
    except Boom:
        raise


def clause_that_logs_and_raises_again_leaves():
    told = []
    try:
        fail()
    except Boom as error:
        told.append(error)
        for word in ("a", "b"):
            told.append(word)
        raise


def clause_that_raises_its_name_leaves():
    try:
        fail()
    except Boom as error:
        raise error


def clause_that_raises_its_name_from_none_leaves():
    try:
        fail()
    except Boom as error:
        raise error from None


def clause_that_raises_with_note_leaves():
    try:
        fail()
    except Boom as error:
        error.add_note("noted")
        raise


def clause_that_raises_under_a_condition_late(condition=True):
    try:
        fail()
    except Boom:
        if condition:
            raise


def clause_that_raises_under_no_condition_ends(condition=False):
    try:
        fail()
    except Boom:
        if condition:
            raise


def clause_that_raises_in_both_branches_leaves(condition=True):
    try:
        fail()
    except Boom as error:
        if condition:
            raise
        else:
            raise error


def clause_that_asserts_and_raises_again_leaves():
    try:
        fail()
    except Boom as error:
        assert error.__traceback__ is not None
        raise


def clause_that_raises_another_ends():
    with contextlib.suppress(LookupError):
        try:
            fail()
        except Boom as error:
            raise LookupError from error


def raised_in_else_leaves():
    try:
        pass
    except Boom:
        pass
    else:
        fail()


def raised_in_clause_leaves():
    try:
        raise ValueError
    except ValueError:
        fail()
    except Boom:
        pass


def raised_in_clause_within_try_ends():
    try:
        try:
            raise ValueError
        except ValueError:
            fail()
    except Boom:
        pass


def raised_in_finally_leaves():
    try:
        pass
    except Boom:
        pass
    finally:
        fail()


def finally_leaves():
    told = []
    try:
        fail()
    finally:
        told.append(1)


def finally_with_a_loop_leaves():
    told = []
    try:
        fail()
    finally:
        for number in range(3):
            if number:
                told.append(number)


def finally_that_returns_ends():
    try:
        fail()
    finally:
        return 1  # noqa: B012


def finally_that_breaks_ends():
    while True:
        try:
            fail()
        finally:
            break  # noqa: B012


def finally_within_try_ends():
    told = []
    try:
        try:
            fail()
        finally:
            told.append(1)
    except Boom:
        pass


def except_within_finally_within_except_ends():
    try:
        try:
            try:
                fail()
            except ValueError:
                pass
        finally:
            str()
    except Boom:
        pass


def raised_again_within_try_ends():
    try:
        try:
            fail()
        except Boom:
            raise
    except Exception:
        pass


def in_a_callers_try_ends():
    def inner():
        fail()

    try:
        inner()
    except Boom:
        pass


def after_a_try_leaves():
    try:
        pass
    except Boom:
        pass
    fail()


def many_clauses_leaves():
    try:
        fail()
    except ValueError:
        pass
    except (KeyError, OSError) as error:
        print(error)
    except ArithmeticError:
        raise
    finally:
        str()


def clause_that_raises_another_under_its_name_ends():
    with contextlib.suppress(LookupError):
        try:
            fail()
        except Boom as error:
            error = LookupError(error)
            raise error


def finally_with_a_loop_that_returns_ends():
    try:
        fail()
    finally:
        for number in range(3):
            if number:
                return number  # noqa: B012


# with


class Ending:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return True


class Passing:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            return False
        str()


class Choosing:
    def __init__(self, kind):
        self.kind = kind

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return kind is self.kind


def with_suppress_ends():
    with contextlib.suppress(ValueError, Boom):
        fail()


def with_suppress_of_other_leaves():
    with contextlib.suppress(ValueError):
        fail()


def with_suppress_of_two_levels_ends():
    with contextlib.suppress(ValueError), contextlib.suppress(Boom):
        fail()


def with_manager_that_ends_it_ends():
    with Ending():
        fail()


def with_manager_that_passes_leaves():
    with Passing() as passing:
        assert passing
        fail()


def with_manager_that_chooses_ends():
    with Choosing(Boom):
        fail()


def with_manager_that_chooses_another_late():
    with Choosing(ValueError):
        fail()


def with_lock_leaves():
    with threading.Lock():
        fail()


def with_condition_leaves():
    with threading.Condition():
        fail()


def with_file_leaves():
    with open(__file__) as file:
        assert file
        fail()


def with_temporary_file_leaves():
    with tempfile.NamedTemporaryFile() as file:
        assert file
        fail()


def with_patch_leaves():
    with unittest.mock.patch.object(Boom, "patched", 1, create=True):
        fail()


def with_nullcontext_leaves():
    with contextlib.nullcontext():
        fail()


@contextlib.contextmanager
def passing_on():
    try:
        yield
    finally:
        str()


@contextlib.contextmanager
def swallowing(kind):
    with contextlib.suppress(OSError):
        try:
            yield
        except kind:
            pass


def with_generator_that_passes_leaves():
    with passing_on():
        fail()


def with_generator_that_swallows_ends():
    with swallowing(Boom):
        fail()


def with_generator_that_swallows_another_leaves():
    with swallowing(ValueError):
        fail()


def with_exit_stack_that_suppresses_ends():
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(Boom))
        stack.callback(str)
        fail()


def with_exit_stack_leaves():
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(ValueError))
        stack.enter_context(passing_on())
        stack.callback(str)
        fail()


def with_assert_raises_ends():
    with unittest.TestCase().assertRaises(Boom):
        fail()


def with_assert_raises_of_other_leaves():
    with unittest.TestCase().assertRaises(ValueError):
        fail()


def with_entering_leaves():
    class Manager:
        def __enter__(self):
            fail()

        def __exit__(self, *_):
            return True

    with Manager():
        pass


def decorated_with_manager_ends():
    @swallowing(Boom)
    def inner():
        fail()

    inner()


# groups


def group():
    return ExceptionGroup("group", [Boom("one"), ExceptionGroup("inner", [ValueError("two")])])


def fail_with_group():
    raise group()


def star_ends():
    try:
        fail()
    except* Boom:
        pass


def star_of_other_leaves():
    try:
        fail()
    except* ValueError:
        pass


def star_of_all_parts_ends():
    try:
        fail_with_group()
    except* Boom:
        pass
    except* ValueError as errors:
        assert errors


def star_of_some_parts_and_except_of_the_rest_ends():
    try:
        try:
            fail_with_group()
        except* Boom:
            pass
    except ExceptionGroup:
        pass


def star_that_raises_again_wrapped():
    try:
        fail()
    except* Boom:
        raise


def group_by_except_ends():
    try:
        fail_with_group()
    except ExceptionGroup:
        pass


def group_by_other_except_leaves():
    try:
        fail_with_group()
    except (ValueError, Boom):
        pass


# generators


def in_generator_ends():
    def generator():
        try:
            yield fail()
        except Boom:
            yield 1

    list(generator())


def around_generator_ends():
    def generator():
        yield fail()

    try:
        list(generator())
    except Boom:
        pass


def out_of_generator_leaves():
    def generator():
        yield 0
        yield fail()

    for _ in generator():
        pass


def out_of_delegating_generator_ends():
    def inner():
        yield fail()

    def outer():
        try:
            yield from inner()
        except Boom:
            pass

    list(outer())


def in_comprehension_leaves():
    [fail() for _ in range(2)]


def in_comprehension_ends():
    try:
        [fail() for _ in range(2)]
    except Boom:
        pass


def in_generator_expression_leaves():
    sum(fail() for _ in range(2))


# called from C


def by_sorted_leaves():
    sorted([2, 1], key=lambda _: fail())


def by_sorted_ends():
    try:
        sorted([2, 1], key=lambda _: fail())
    except Boom:
        pass


def by_map_with_key_error_leaves():
    list(map(lambda _: fail(KeyError), [1]))


def by_sort_with_index_error_leaves():
    [2, 1].sort(key=lambda _: fail(IndexError))


def by_partial_with_attribute_error_leaves():
    functools.partial(fail, AttributeError)()


def by_reduce_leaves():
    functools.reduce(lambda one, other: fail(), [1, 2, 3])


class Proxy:
    """It looks for everything elsewhere."""

    def __call__(self):
        return fail(KeyError)

    def __getattr__(self, name):
        return fail(AttributeError)


def by_proxy_leaves():
    Proxy()()


def by_dict_of_proxy_ends():
    with contextlib.suppress(TypeError):
        dict(Proxy())


def by_update_with_proxy_ends():
    with contextlib.suppress(TypeError):
        {}.update(Proxy())


def by_unpacked_getattr_ends():
    getattr(*(Lacking(), "value", None))


class Unsized:
    def __iter__(self):
        return iter([1])

    def __len__(self):
        return fail(TypeError)


def by_list_of_what_has_no_length_ends():
    list(Unsized())


class Lacking:
    @property
    def value(self):
        return fail(AttributeError)

    def __getitem__(self, number):
        return fail(IndexError)


class Falling(Lacking):
    def __getattr__(self, name):
        return 1


def by_hasattr_ends():
    hasattr(Lacking(), "value")


def by_hasattr_with_boom_leaves():
    class Booming:
        @property
        def value(self):
            return fail()

    hasattr(Booming(), "value")


def by_getattr_with_default_ends():
    getattr(Lacking(), "value", None)


def by_getattr_leaves():
    getattr(Lacking(), "value")  # noqa: B009


def by_attribute_leaves():
    Lacking().value  # noqa: B018


def by_attribute_with_fallback_ends():
    Falling().value  # noqa: B018


def by_getattr_of_helper_ends():
    class Deep:
        @property
        def value(self):
            return self.helper()

        def helper(self):
            return fail(AttributeError)

    getattr(Deep(), "value", 1)


def by_iteration_over_a_sequence_ends():
    for _ in Lacking():
        pass


def by_list_of_a_sequence_ends():
    list(Lacking())


def by_contains_ends():
    assert 1 not in Lacking()


def by_subscript_leaves():
    Lacking()[0]


def by_subscript_with_key_error_leaves():
    class Missing(dict):
        def __missing__(self, key):
            return fail(KeyError)

    Missing()["a"]


def by_mapping_get_ends():
    class Users(UserDict):
        def __getitem__(self, key):
            return fail(KeyError)

    Users().get("a")


def by_names_of_exec_ends():
    class Names(dict):
        def __missing__(self, key):
            return fail(KeyError)

    exec("len", {}, Names())


def by_plain_call_with_key_error_leaves():
    def inner():
        return fail(KeyError)

    inner()


def by_call_with_keywords_leaves():
    def inner(**names):
        return fail(AttributeError)

    inner(one=1, **{"two": 2})


def by_class_leaves():
    class Made:
        def __init__(self, one):
            fail(AttributeError)

    Made(1)


def by_comparison_leaves():
    class Compared:
        def __lt__(self, other):
            return fail(KeyError)

    Compared() < 1  # noqa: B015


# coroutines


def in_coroutine_that_catches_ends():
    async def main():
        try:
            await inner()
        except Boom:
            pass

    async def inner():
        await asyncio.sleep(0)
        fail()

    asyncio.run(main())


def in_coroutine_leaves():
    async def main():
        await asyncio.sleep(0)
        fail()

    asyncio.run(main())


class AsyncEnding:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0)
        return True


class AsyncPassing:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0)


def in_async_with_ends():
    async def main():
        async with AsyncEnding():
            fail()

    asyncio.run(main())


def in_async_with_leaves():
    async def main():
        async with AsyncPassing():
            fail()

    asyncio.run(main())


def in_async_exit_stack_ends():
    async def main():
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(contextlib.suppress(Boom))
            fail()

    asyncio.run(main())


def in_async_generator_manager_leaves():
    @contextlib.asynccontextmanager
    async def manager():
        try:
            yield
        except ValueError:
            pass

    async def main():
        async with manager():
            fail()

    asyncio.run(main())


def in_async_for_leaves():
    async def numbers():
        yield 1
        fail()

    async def main():
        async for _ in numbers():
            pass

    asyncio.run(main())


def in_task_group_whose_group_is_caught_ends():
    async def main():
        try:
            async with asyncio.TaskGroup():
                fail()
        except ExceptionGroup:
            pass

    asyncio.run(main())


def in_task_group_wrapped():
    async def main():
        try:
            async with asyncio.TaskGroup():
                fail()
        except Boom:
            pass

    asyncio.run(main())


# what is never held


def keyboard_interrupt_never():
    fail(KeyboardInterrupt)


def system_exit_never():
    fail(SystemExit)


def stop_iteration_never():
    next(iter(map(lambda _: fail(StopIteration), [1])))


def cancellation_never():
    async def main():
        fail(asyncio.CancelledError)

    asyncio.run(main())


def generator_exit_never():
    fail(GeneratorExit)
