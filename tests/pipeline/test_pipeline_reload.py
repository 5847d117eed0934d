"""`llmproxy_reload`: a plugin may refuse new settings by a `SettingsError`; all else it raises is its own fault."""

import pytest
from exchanges import plugin
from test_dispatch import dispatcher
from twisted.internet.defer import Deferred

from proxy_daemon.settings import Settings, SettingsError


def raising(error, *, later):
    def reload(self, settings):
        raise error

    async def reload_later(self, settings):
        raise error

    return plugin("llmproxy_reload", reload_later if later else reload)


def reloaded(hooks):
    """What comes of it."""
    results = []
    Deferred.fromCoroutine(hooks.each("llmproxy_reload", Settings())).addCallbacks(results.append, results.append)
    return results[0]


@pytest.mark.parametrize("later", [False, True])
def test_a_refusal_reaches_who_reloads_and_names_the_plugin(later):
    hooks = dispatcher(raising(SettingsError("the file is gone"), later=later))
    failure = reloaded(hooks)
    assert failure.check(SettingsError)
    assert failure.getErrorMessage().endswith(": the file is gone")
    assert failure.getErrorMessage().startswith("plugin '")
    assert not hooks.faults


@pytest.mark.parametrize("later", [False, True])
def test_any_other_raise_is_skipped_and_counted(later):
    hooks = dispatcher(raising(ValueError("odd"), later=later))
    assert reloaded(hooks) == []
    assert sum(hooks.faults.values()) == 1
