# The service as `crd serve`, on a read-only file system, as a user without rights:
#   docker build -t crd-server .
#   docker run --rm --read-only -p 127.0.0.1:8000:8000 -v crd:/var/lib/crd -v ./clients.json:/clients.json:ro \
#     -e CRD_CLIENTS=/clients.json -e CRD_PUBLIC_BASE_URL=https://crd.payer.example crd-server
# To try it without clients: -e CRD_AUTH=none -e CRD_ALLOW_UNAUTHENTICATED=1
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements.txt requirements-extras.txt requirements-build.txt ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-extras.txt \
 && python -m venv /tools && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY cards cards
COPY cds_hooks cds_hooks
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /venv/bin/pip install --no-cache-dir --no-deps /wheels/*.whl \
 && /venv/bin/pip uninstall --yes pip \
 && { /venv/bin/python -m compileall -q /venv/lib || true; }  # some packages ship files of other Pythons

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin crd \
 && mkdir /var/lib/crd && chown 10001 /var/lib/crd
VOLUME /var/lib/crd
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 CRD_HOST=0.0.0.0 CRD_PORT=8000 CRD_WORKERS=2 \
    CRD_AUTH=cds-hooks-jwt CRD_DATABASE_URL=sqlite:////var/lib/crd/crd.sqlite3
# a number, so that orchestrators can see that it is not root
USER 10001
EXPOSE 8000
# the certificate is not for 127.0.0.1; under mutual TLS it is enough that the port is open
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["python", "-c", "import os, socket, ssl, urllib.request as u; e = os.environ.get; port = int(e('CRD_PORT') or 8000); https = u.HTTPSHandler(context=ssl._create_unverified_context()); socket.create_connection(('127.0.0.1', port), 2).close() if e('CRD_TLS_CLIENT_CA') else u.build_opener(u.ProxyHandler({}), https).open(('https' if e('CRD_TLS_CERTIFICATE') else 'http') + f'://127.0.0.1:{port}/health', timeout=2)"]
# granian is process manager and server in one; exec form, so it receives the stop signal itself
CMD ["crd", "serve"]
