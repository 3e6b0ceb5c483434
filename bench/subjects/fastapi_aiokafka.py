# SPDX-License-Identifier: Apache-2.0
"""What most would write: FastAPI on uvicorn (uvloop, httptools), aiokafka with acks=all."""

from __future__ import annotations

import argparse
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request

_GIVEN: dict[str, Any] = json.loads(os.environ["BENCH_KAFKA"])
_producer: AIOKafkaProducer


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Keep one producer for the application's life."""
    global _producer  # as such services are written
    client = _GIVEN["client"]
    _producer = AIOKafkaProducer(
        bootstrap_servers=client["bootstrap.servers"],
        security_protocol=client["security.protocol"],
        sasl_mechanism=client["sasl.mechanism"],
        sasl_plain_username=client["sasl.username"],
        sasl_plain_password=client["sasl.password"],
        ssl_context=ssl.create_default_context(cafile=client["ssl.ca.location"])
        if client["security.protocol"] == "SASL_SSL"
        else None,
        acks="all",
        linger_ms=1,
    )
    await _producer.start()
    yield
    await _producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/sync")
async def produce(request: Request) -> dict[str, str]:
    """Write the body and answer when it is there."""
    await _producer.send_and_wait(_GIVEN["topic"], await request.body())
    return {"message": "message sent"}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.parse_args().port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
