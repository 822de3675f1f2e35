from threadpoolctl import threadpool_info, threadpool_limits

from welltempered.surrogates.threads import one_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_within_and_what_it_had_after():
    with one_thread(), threadpool_limits(2, user_api="blas"):
        before = threads()
        with one_thread():
            assert threads() == {1}
        assert threads() == before
