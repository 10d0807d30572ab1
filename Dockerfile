# syntax=docker/dockerfile:1
# The gateway and the worker as one image: `serve` (the default) or `worker`. Needs a Redis of yours: MARROW_REDIS_URL.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package of the build runs a script of its own.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY tools/build-dashboard.ts ./tools/
RUN npm run build

FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /packages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
  && npm sbom --package-lock-only --omit=dev --omit=peer --sbom-format=cyclonedx > sbom.cdx.json
# Optional peers that the image has: /mcp, /a2a, exact counts of tokens. Node finds them in the directory above Marrow's.
WORKDIR /extras
COPY deploy/image/package.json deploy/image/package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund \
  && npm sbom --package-lock-only --sbom-format=cyclonedx > sbom.cdx.json

FROM node:${NODE_VERSION}-bookworm-slim
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="marrow" \
  org.opencontainers.image.description="The in-memory data layer for AI agents on Redis: the OpenAI-compatible gateway and its worker" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="docker.io/library/node:24.21.0-bookworm-slim" \
  dev.marrow.sbom="/opt/marrow/sbom.cdx.json"
# Nothing under /opt is written at run time: the image runs with a read-only root. Scratch data goes to /tmp.
COPY package.json LICENSE /opt/marrow/
COPY --from=packages /packages/node_modules /opt/marrow/node_modules
COPY --from=packages /packages/sbom.cdx.json /opt/marrow/sbom.cdx.json
COPY --from=packages /extras/node_modules /opt/node_modules
COPY --from=packages /extras/sbom.cdx.json /opt/marrow/sbom-optional.cdx.json
COPY --from=build /build/dist /opt/marrow/dist
COPY assets /opt/marrow/assets
RUN ln -s /opt/marrow/dist/cli/main.js /usr/local/bin/marrow && chmod 0755 /opt/marrow/dist/cli/main.js
ENV NODE_ENV=production \
  MARROW_HOST=0.0.0.0 \
  MARROW_PORT=8080 \
  MARROW_DATA=/tmp/marrow \
  MARROW_DRAIN_DELAY_MS=5000
# A marrow.config.json or marrow.config.ts is read from here.
WORKDIR /etc/marrow
# Platforms that mount an empty directory here (Fargate) keep its mode then: writable for all.
VOLUME ["/tmp"]
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["marrow", "health"]
ENTRYPOINT ["marrow"]
CMD ["serve"]
