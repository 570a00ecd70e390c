# Airflow with Ebbtide and its encoder: one image for every service of docker-compose.yml.
FROM python:3.11-slim-bookworm

# OpenMP, for lightgbm and implicit. Everything else comes as wheels.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

ENV AIRFLOW_HOME=/opt/airflow \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/ebbtide \
    PYTHONUNBUFFERED=1

RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow airflow \
    && install --directory --owner airflow --group 0 --mode 775 /opt/airflow /opt/airflow/logs /opt/ebbtide
WORKDIR /opt/ebbtide

# The environment changes seldom, the code often: each its own layer.
# Where torch's builds for CPUs are; empty for the ones with CUDA, which are larger by gigabytes.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock ./
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY sql sql
COPY recsys_tasks recsys_tasks
COPY dags dags
COPY plugins plugins
# Editable: the code is read where it lies, beside dags/ and plugins/.
RUN pip install --no-deps --editable .

USER airflow
ENTRYPOINT []
CMD ["airflow", "version"]
