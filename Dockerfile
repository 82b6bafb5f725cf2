# Harper with this component. Its licence for Harper is yours to have: see the README.
#
#   docker build -t harper-edge-ai .
#   docker run --rm -p 9926:9926 -e HDB_ADMIN_PASSWORD=... -v edge-ai:/data harper-edge-ai
FROM rust:1-slim-bookworm AS rust

FROM node:22-bookworm-slim AS build
COPY --from=rust /usr/local/rustup /usr/local/rustup
COPY --from=rust /usr/local/cargo /usr/local/cargo
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
RUN apt-get update \
	&& apt-get install -y --no-install-recommends build-essential ca-certificates \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save
COPY . .
RUN npm run build && rm -rf target

FROM node:22-bookworm-slim
COPY --from=build --chown=node:node /app /app
# What the host passes on does not come from loopback, so it needs a user and a password.
ENV ROOTPATH=/data \
	HTTP_PORT=0.0.0.0:9926 \
	OPERATIONSAPI_NETWORK_PORT=127.0.0.1:9925 \
	AUTHENTICATION_AUTHORIZELOCAL=false
RUN install -d -o node -g node /data
USER node
WORKDIR /app
VOLUME /data
EXPOSE 9926
HEALTHCHECK --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:9926/v2/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "scripts/start.js"]
