# SPDX-License-Identifier: MIT
import os

import pytest

import larshm
from instance import Instance


@pytest.fixture
def instance():
    with Instance(os.environ["INSTANCE_PROGRAM"]) as started:
        started.do(
            "route 1 1 10.0.0.1:8080 10.0.0.2:8080",
            "route 1 2 10.0.0.8:80 10.0.0.9:80",
            "eject 1 2 10.0.0.9:80",
            "route 1 6",
        )
        yield started


@pytest.fixture
def cache(instance):
    with larshm.open(instance.name) as opened:
        yield opened
