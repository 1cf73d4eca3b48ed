"""What makes a DAG runnable as a test, and names a run of the tests."""

import os


def get_test_run(dag, **settings):
    """A function that would run the DAG; nothing here calls it."""

    def test_run():
        dag.test(**settings)

    return test_run


def get_test_env_id(env_var_name="SYSTEM_TESTS_ENV_ID"):
    """What names of outside things end with."""
    return os.environ.get(env_var_name)
