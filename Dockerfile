# The app and the worker (`regen serve`, `regen worker`) in one image. Its layout is that of a checkout after set-up.

FROM node:24-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/ ./
RUN npm run build

FROM python:3.13-slim AS packages
WORKDIR /srv/regen
COPY requirements/run.lock requirements/build.lock requirements/
# crontab has no wheel: it is built by the pinned setuptools, as scripts/set-up does it.
RUN python -m venv .venv \
    && pip="-m pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all:" \
    && .venv/bin/python $pip --requirement requirements/build.lock \
    && .venv/bin/python $pip --no-binary crontab --no-build-isolation --requirement requirements/run.lock \
    && echo ../../../.. > .venv/lib/python3.13/site-packages/regen.pth
COPY scripts/regen .venv/bin/regen

FROM python:3.13-slim
RUN groupadd --system --gid 10001 regen \
    && useradd --system --uid 10001 --gid regen --no-create-home --shell /usr/sbin/nologin regen \
    && install --directory --owner=regen --group=regen /data
WORKDIR /srv/regen
COPY --from=packages /srv/regen/.venv .venv
COPY app app
COPY --from=web /web/dist web/dist
RUN .venv/bin/python -m compileall -q app
# Nothing is written but /data (a volume) and /tmp, so the root file system may be read-only.
ENV PATH=/srv/regen/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
CMD ["regen", "serve"]
