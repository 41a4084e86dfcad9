# Tenantry in a small image: one binary, the C library and certificate authorities, 49 MB; no shell, no root, and no writable
# file system but /tmp.
#
#   docker build -t tenantry .
#   docker run --read-only --tmpfs /tmp -e DATABASE_URL=… tenantry work
FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web .
RUN npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The page is compiled in as well.
COPY --from=page /src/web/dist web/dist
# The way to Microsoft and to Postgres is compiled in; the simulator and `tenantry demo` are not.
RUN cargo build --locked --profile dist --no-default-features --bin tenantry
# All that it needs: the C library, and the authorities that Microsoft's certificates, and a managed Postgres', are signed by.
RUN mkdir -p /image/tmp /image/usr/local/bin \
    && chmod 1777 /image/tmp \
    && cp target/dist/tenantry /image/usr/local/bin/ \
    && cp --parents --dereference $(ldd target/dist/tenantry | grep -o '/[^ ]*') /etc/ssl/certs/ca-certificates.crt /image/

FROM scratch
COPY --from=build /image /
# Nobody in particular: it owns nothing here.
USER 10001:10001
ENV TENANTRY_LISTEN=0.0.0.0:8080
EXPOSE 8080
# No HEALTHCHECK: whoever runs it asks /health/live and /health/ready; a worker has no door.
ENTRYPOINT ["/usr/local/bin/tenantry"]
CMD ["serve"]
