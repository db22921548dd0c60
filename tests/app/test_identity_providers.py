"""The settings of docs/identity-providers.md, tried with tokens as each provider documents them."""

import re
from pathlib import Path
from typing import Any

import pytest

from app.auth.issuer import Claims, Issuer
from app.auth.keys import Keys
from app.auth.token_errors import InvalidTokenError
from app.settings import Settings
from loaders.mongo import Database
from tests.app.issuers import RSA, key_set

PAGE = Path(__file__).parents[2] / "docs" / "identity-providers.md"
_TENANT = "11111111-2222-3333-4444-555555555555"
_COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"

#: For each provider: the claims of an instructor's token, or of a student's where there are no other roles.
CLAIMS: dict[str, dict[str, Any]] = {
    "Keycloak": {
        "iss": "https://id.example.org/realms/school", "aud": ["courses", "account"], "sub": "f:1:ada",
        "azp": "spa", "typ": "Bearer", "realm_access": {"roles": ["offline_access", "teacher"]},
        "resource_access": {"account": {"roles": ["view-profile"]}}, "name": "Ada",
    },
    "Auth0": {
        "iss": "https://school.eu.auth0.com/", "sub": "auth0|6412", "azp": "spa", "scope": "openid profile",
        "aud": ["https://courses.example.org/graphql", "https://school.eu.auth0.com/userinfo"],
        "https://courses.example.org/roles": ["teacher"],
    },
    "Microsoft Entra ID": {
        "iss": f"https://login.microsoftonline.com/{_TENANT}/v2.0", "tid": _TENANT, "ver": "2.0",
        "aud": "66666666-7777-8888-9999-000000000000", "sub": "pairwise", "oid": "00000000-0000-0000-0000-1",
        "roles": ["Teacher"], "scp": "access",
    },
    "Okta": {
        "iss": "https://school.okta.com/oauth2/default", "aud": "api://default", "sub": "ada@example.org",
        "uid": "00u1", "groups": ["Everyone", "Teachers"], "scp": ["openid"],
    },
    "Amazon Cognito": {
        "iss": _COGNITO, "aud": "1h57kf5cpq17m0eml12EXAMPLE", "sub": "aaaa-bbbb", "token_use": "id",
        "cognito:groups": ["teachers"], "cognito:username": "ada",
    },
    "Google": {
        "iss": "https://accounts.google.com", "aud": "1234567890-abc.apps.googleusercontent.com",
        "azp": "1234567890-abc.apps.googleusercontent.com", "sub": "1098", "hd": "school.example.org",
    },
    "Firebase Authentication": {
        "iss": "https://securetoken.google.com/school-project", "aud": "school-project", "sub": "uid1",
        "user_id": "uid1", "roles": ["INSTRUCTOR"], "firebase": {"sign_in_provider": "password"},
    },
}  # fmt: skip


def documented() -> dict[str, dict[str, str]]:
    """The settings of each provider on the page, without their prefix."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: dict(re.findall(r"^LECTERN_(\w+)=(.+)$", section, re.MULTILINE))
        for section in sections
    }


def issuer(settings: dict[str, str], directory: Path) -> Issuer:
    keys = directory / "keys.json"
    keys.write_text(key_set(RSA.public()))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"LECTERN_{name}", value)
        read = Settings()
    claims = Claims(read.oidc_roles_claim, read.oidc_roles, read.oidc_student_claim, read.oidc_source)
    return Issuer(
        read.oidc_issuer, read.oidc_audience, Keys(str(keys)), read.oidc_algorithms, read.oidc_leeway, claims
    )


def test_every_provider_on_the_page_is_tested() -> None:
    assert documented().keys() == CLAIMS.keys()


@pytest.mark.parametrize("provider", CLAIMS)
async def test_a_provider_s_token_is_accepted_with_its_role_and_its_user(
    provider: str, tmp_path: Path, database: Database
) -> None:
    settings, claims = documented()[provider], CLAIMS[provider]
    assert settings["OIDC_JWKS"].startswith("https://")
    token = RSA.token(without="roles" if "roles" not in claims else "", **claims)
    viewer = await issuer(settings, tmp_path).viewer(token, database, "")
    role, collection = ("STUDENT", "students") if provider == "Google" else ("INSTRUCTOR", "instructors")
    assert viewer.roles == {role}
    (person,) = await database[collection].find().to_list(None)
    assert person["externalId"]["id"] == claims[settings.get("OIDC_STUDENT_CLAIM", "sub")]


@pytest.mark.parametrize("provider", CLAIMS)
@pytest.mark.parametrize("claim", ["iss", "aud"])
async def test_a_token_of_another_tenant_or_for_another_application_is_refused(
    provider: str, claim: str, tmp_path: Path, database: Database
) -> None:
    token = RSA.token(**{**CLAIMS[provider], claim: "https://other.example.org"})
    with pytest.raises(InvalidTokenError):
        await issuer(documented()[provider], tmp_path).viewer(token, database, "")
