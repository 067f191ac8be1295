# One image, three commands: ragwright-operator, ragwright-ingest, ragwright-api.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
RUN python3 -m venv /uv && /uv/bin/pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/ragwright
WORKDIR /src
# Dependencies change seldom, the source often: two layers.
COPY pyproject.toml uv.lock ./
RUN /uv/bin/uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE NOTICE ./
COPY core core
COPY operator operator
COPY ingest ingest
COPY api api
COPY cli cli
RUN /uv/bin/uv sync --frozen --no-dev --no-editable

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="ragwright" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/ragwright /opt/ragwright
COPY NOTICE LICENSE /licenses/
ENV PATH=/opt/ragwright/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp LOGNAME=ragwright
USER 65532:65532
