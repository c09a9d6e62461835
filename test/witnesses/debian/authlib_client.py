"""A client built on Debian's Authlib. One command a line on stdin, one JSON answer a line on stdout."""

import json
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

issuer, client_id, client_secret, callback = sys.argv[1:5]
metadata = requests.get(issuer + "/.well-known/openid-configuration").json()
session = OAuth2Session(
    client_id,
    client_secret,
    redirect_uri=callback,
    scope="openid email offline_access models:read",
    code_challenge_method="S256",
    token_endpoint=metadata["token_endpoint"],
)
verifier = "authlib-" * 6


def begin():
    url, session.state_expected = session.create_authorization_url(
        metadata["authorization_endpoint"],
        code_verifier=verifier,
        nonce="of-the-app",
        prompt="consent",
    )
    return {"url": url}


def finish(answer):
    token = session.fetch_token(
        metadata["token_endpoint"],
        authorization_response=answer,
        state=session.state_expected,
        code_verifier=verifier,
    )
    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"]).json())
    claims = jwt.decode(
        token["id_token"],
        keys,
        claims_cls=CodeIDToken,
        claims_options={
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
        },
        claims_params={
            "nonce": "of-the-app",
            "client_id": client_id,
            "access_token": token["access_token"],
        },
    )
    claims.validate()
    return {"sub": claims["sub"], "token": dict(token)}


def userinfo():
    return session.get(metadata["userinfo_endpoint"]).json()


def models():
    return {"status": session.get(issuer + "/v1/models").status_code}


def refresh():
    return {"token": dict(session.refresh_token(metadata["token_endpoint"]))}


def introspect():
    return session.introspect_token(
        metadata["introspection_endpoint"], token_type_hint="refresh_token"
    ).json()


def revoke():
    answer = session.revoke_token(
        metadata["revocation_endpoint"],
        token=session.token["refresh_token"],
        token_type_hint="refresh_token",
    )
    return {"status": answer.status_code, "body": answer.json()}


commands = {f.__name__: f for f in (begin, finish, userinfo, models, refresh, introspect, revoke)}
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = commands[name](*arguments)
    except OAuthError as error:
        answer = {"error": error.error, "description": error.description}
    print(json.dumps(answer), flush=True)
