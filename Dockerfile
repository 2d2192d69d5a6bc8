# Gatehouse in one image; docker-compose.yml runs it as web, worker, scheduler and migrate.

FROM python:3.11-slim-bookworm AS build
COPY requirements.lock requirements-install.lock ./
RUN python -m venv /opt/gatehouse \
    && pip install --no-cache-dir --require-hashes -r requirements-install.lock \
    && UV_LINK_MODE=copy uv pip sync --no-cache --require-hashes --compile-bytecode \
        --python /opt/gatehouse/bin/python requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv/gatehouse --shell /usr/sbin/nologin gatehouse \
    && install -d -o gatehouse -g gatehouse -m 0700 /var/lib/gatehouse
COPY --from=build /opt/gatehouse /opt/gatehouse
WORKDIR /srv/gatehouse
COPY manage.py ./
COPY accounts ./accounts
COPY connectors ./connectors
COPY gateway ./gateway
ENV PATH=/opt/gatehouse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=gateway.settings \
    GATEHOUSE_ENV_FILE=none \
    GATEHOUSE_DATA_DIR=/var/lib/gatehouse
# The pages' files are gathered once, with settings that end with this step.
RUN python -m compileall -q accounts connectors gateway \
    && DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost ALLOWED_HOSTS=localhost \
        GATEHOUSE_PUBLIC_URL=https://localhost \
        SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
        GATEHOUSE_ENCRYPTION_KEYS="$(python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')" \
        python manage.py collectstatic --no-input --verbosity 0
ENV GATEHOUSE_MODE=production
USER gatehouse
VOLUME /var/lib/gatehouse
EXPOSE 8000
CMD ["uvicorn", "gateway.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "off", \
     "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "10"]
