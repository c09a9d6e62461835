"""A bare authorization server of Debian's Authlib and Flask: no metadata, no OpenID Connect.

What the tutorials show: authorization code with PKCE, rotating refresh tokens, client credentials,
device code and revocation, with everything in memory. Prints its origin. Whoever comes to /authorize is
alice and allows; POST /control ends her tokens, approves devices and sets how long tokens live.
"""

import secrets
import time

from authlib.integrations.flask_oauth2 import (
    AuthorizationServer,
    ResourceProtector,
    current_token,
)
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, AuthorizationCodeMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import (
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialDict,
)
from flask import Flask, jsonify, request
from werkzeug.serving import make_server


class Client(ClientMixin):
    def __init__(self, client_id, secret, grant_types):
        self.client_id = client_id
        self.secret = secret
        self.grant_types = grant_types

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return "https://app.test/callback"

    def get_allowed_scope(self, scope):
        return " ".join(one for one in (scope or "").split() if one in ("read", "write"))

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri == self.get_default_redirect_uri()

    def check_client_secret(self, client_secret):
        return self.secret is not None and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        if self.secret is None:
            return method == "none"
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


class Code(AuthorizationCodeMixin):
    def __init__(self, **given):
        self.__dict__.update(given)

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


class Token(TokenMixin):
    def __init__(self, client_id, user, given):
        self.client_id = client_id
        self.user = user
        self.access_token = given["access_token"]
        self.refresh_token = given.get("refresh_token")
        self.scope = given.get("scope", "")
        self.expires_in = given["expires_in"]
        self.issued_at = time.time()
        self.access_ended = False
        self.refresh_ended = False

    def check_client(self, client):
        return self.client_id == client.get_client_id()

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.expires_in

    def is_expired(self):
        return time.time() > self.issued_at + self.expires_in

    def is_revoked(self):
        return self.access_ended


CODES, TOKENS, DEVICES, APPROVED = {}, [], {}, set()
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CLIENTS = {
    client.client_id: client
    for client in (
        Client("cli", None, ["authorization_code", "refresh_token", DEVICE]),
        Client("web", "secret", ["authorization_code", "refresh_token", "client_credentials"]),
    )
}
LIFE = {"seconds": 3600}
SEEN = []

app = Flask(__name__)
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {}
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True


def save_token(given, req):
    given["expires_in"] = LIFE["seconds"]
    TOKENS.append(Token(req.client.get_client_id(), req.user, given))


server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code, req):
        CODES[code] = Code(
            code=code,
            client_id=req.client.client_id,
            redirect_uri=req.redirect_uri,
            scope=req.scope,
            user=req.user,
            code_challenge=req.data.get("code_challenge"),
            code_challenge_method=req.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        found = CODES.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        CODES.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        for token in TOKENS:
            if token.refresh_token == refresh_token:
                SEEN.append("reused" if token.refresh_ended else "rotated")
                return None if token.refresh_ended else token
        return None

    def authenticate_user(self, credential):
        return credential.user

    def revoke_old_credential(self, credential):
        credential.refresh_ended = True


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class Devices(DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = ["none"]

    def get_verification_uri(self):
        return request.host_url + "activate"

    def save_device_credential(self, client_id, scope, data):
        DEVICES[data["device_code"]] = DeviceCredentialDict(
            client_id=client_id, scope=scope, expires_at=time.time() + data["expires_in"], **{
                name: value for name, value in data.items() if name != "expires_in"
            }
        )


class DeviceGrant(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def query_device_credential(self, device_code):
        return DEVICES.get(device_code)

    def query_user_grant(self, user_code):
        return ("alice", True) if user_code in APPROVED else None

    def should_slow_down(self, credential):
        return False


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]

    def query_token(self, token_string, token_type_hint):
        for token in TOKENS:
            if token_string in (token.access_token, token.refresh_token):
                return token
        return None

    def revoke_token(self, token, req):
        token.access_ended = token.refresh_ended = True


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        for token in TOKENS:
            if token.access_token == token_string:
                return token
        return None


server.register_grant(AuthorizationCodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshTokenGrant)
server.register_grant(ClientCredentialsGrant)
server.register_grant(DeviceGrant)
server.register_endpoint(Revocation)
server.register_endpoint(Devices)
protect = ResourceProtector()
protect.register_token_validator(Validator())


@app.get("/authorize")
def authorize():
    return server.create_authorization_response(grant_user="alice")


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.post("/device")
def device():
    return server.create_endpoint_response(Devices.ENDPOINT_NAME)


@app.get("/me")
@protect("read")
def me():
    return jsonify(user=current_token.user, client=current_token.client_id)


@app.post("/control")
def control():
    order = request.get_json()
    LIFE.update(order.get("life", {}))
    APPROVED.update(one["user_code"] for one in DEVICES.values() if order.get("approve"))
    for one in TOKENS:
        one.access_ended = one.access_ended or order.get("end") in ("access", "all")
        one.refresh_ended = one.refresh_ended or order.get("end") == "all"
    return jsonify(seen=SEEN)


running = make_server("127.0.0.1", 0, app, threaded=True)
print(f"http://127.0.0.1:{running.server_port}", flush=True)
running.serve_forever()
