# dr as a container: docs/daemon.md says how to run it.
FROM python:3.13-slim AS build
WORKDIR /src
COPY tools/daemon.lock tools/daemon.lock
RUN python -m venv /opt/dr && /opt/dr/bin/pip install --no-cache-dir --require-hashes -r tools/daemon.lock
COPY pyproject.toml README.md LICENSE ./
COPY dr dr
COPY handlers handlers
COPY cloudformation cloudformation
RUN /opt/dr/bin/pip install --no-cache-dir --no-deps --no-build-isolation . && /opt/dr/bin/pip uninstall -y setuptools

FROM python:3.13-slim
COPY --from=build /opt/dr /opt/dr
ENV PATH=/opt/dr/bin:$PATH DR_CONFIG=/etc/dr/dr.yaml PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
HEALTHCHECK --interval=60s --timeout=10s CMD \
  ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=5)"]
ENTRYPOINT ["dr"]
CMD ["daemon"]
