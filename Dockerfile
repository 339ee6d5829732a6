# Full mode's image: web, workers and beat run the same image with different commands (docker-compose.yml).
FROM python:3.13-slim

RUN useradd --system --create-home --home-dir /srv/xenbound xenbound
WORKDIR /srv/xenbound/app
COPY requirements/runtime.lock requirements/runtime.lock
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY manage.py pyproject.toml ./
COPY project project
COPY estate estate
COPY migration migration
COPY readiness readiness
COPY kms kms
ENV XENBOUND_VAR=/srv/xenbound/var PYTHONUNBUFFERED=1
RUN mkdir -p /srv/xenbound/var && chown xenbound /srv/xenbound/var
VOLUME /srv/xenbound/var
USER xenbound
EXPOSE 8000
CMD ["python", "manage.py", "web", "--host", "0.0.0.0", "--port", "8000"]
