// Provokes every reason on a running gateway, and shows each in a German form: `node run.mjs URL TOKEN`, with the
// access token of staff. Prints [{reason, field, html}] as JSON.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { checkSentences, render, sentence } from './form.mjs';
import { SENTENCES } from './german.mjs';

const [uri, staff] = process.argv.slice(2);
const PASSWORD = 'correct horse battery';

async function ask(query, variables, token) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(uri, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function submit(mutation, input, token, selected = '') {
  const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
  const text = `mutation ($input: ${type}!) {
    ${mutation}(input: $input) { ${selected} errors { code path message reason params } }
  }`;
  return (await ask(text, { input }, token))[mutation];
}

async function done(mutation, input, token, selected) {
  const payload = await submit(mutation, input, token, selected);
  assert.deepEqual(payload.errors, []);
  return payload;
}

const { __type: kind } = await ask('{ __type(name: "ErrorReason") { enumValues { name } } }');
const reasons = kind.enumValues.map(({ name }) => name);
checkSentences(SENTENCES, reasons);

// -- what the cases need -----------------------------------------------------------------------------------

const signUp = { name: 'Ada', email: `${randomUUID()}@example.org`, password: PASSWORD };
const { accessToken: student } = await done('signUp', signUp, undefined, 'accessToken');
const course = { title: 'Go', summary: 'S', deliveryModes: ['ONLINE'] };
const { course: published } = await done('createCourse', course, staff, 'course { id }');
const { course: draft } = await done('createCourse', { title: 'Sketch', deliveryModes: ['ONLINE'] }, staff, 'course { id }');
await done('publishCourse', { courseId: published.id }, staff);
const run = { courseId: published.id, startsAt: '2020-02-01T09:00:00Z', deliveryMode: 'ONLINE' };
const { courseRun: started } = await done('createCourseRun', run, staff, 'courseRun { id }');

// -- the cases ---------------------------------------------------------------------------------------------

/** [reason, mutation, whose token, a valid input, the field, its invalid value, what the form says] */
const review = { courseId: published.id, rating: 5, body: 'B' };
const CASES = [
  ['REQUIRED', 'createCourse', staff, course, 'title', ' ', 'Bitte ausfüllen.'],
  ['REQUIRED', 'publishCourse', staff, {}, 'courseId', draft.id, 'Vorher fehlt noch: summary.'],
  ['TOO_SHORT', 'signUp', undefined, signUp, 'password', 'short', 'Bitte mindestens 10 Zeichen eingeben.'],
  ['TOO_LONG', 'createCourse', staff, course, 'title', 'x'.repeat(201), 'Bitte höchstens 200 Zeichen eingeben.'],
  ['TOO_LONG', 'createCourse', staff, course, 'codes', Array(21).fill('x'), 'Bitte höchstens 20 Einträge angeben.'],
  ['TOO_LONG', 'createCourse', staff, course, 'tags', ['a', 'x'.repeat(41)], '2. Eintrag: Bitte höchstens 40 Zeichen eingeben.'],
  ['TOO_SMALL', 'createCourse', staff, course, 'durationDays', 0, 'Bitte mindestens 1 angeben.'],
  ['TOO_SMALL', 'createCourseRun', staff, run, 'startsAt', '1969-12-31T00:00:00Z', 'Bitte mindestens 1.1.1970 angeben.'],
  ['TOO_LARGE', 'createCategory', staff, { name: 'A' }, 'position', 1_000_001, 'Bitte höchstens 1.000.000 angeben.'],
  ['NOT_AN_EMAIL', 'signUp', undefined, signUp, 'email', 'ada', 'Das ist keine E-Mail-Adresse.'],
  ['NOT_A_URL', 'updateProfile', student, {}, 'avatarUrl', 'ftp://a.example', 'Bitte eine Adresse mit https:// oder http:// angeben.'],
  ['NOT_HTTPS', 'createCategory', staff, { name: 'A' }, 'imageUrl', 'http://a.example', 'Bitte eine Adresse mit https:// angeben, nicht mit http://.'],
  ['NOT_A_SLUG', 'createInstructor', staff, { name: 'A' }, 'slug', 'No Slug', 'Bitte nur Kleinbuchstaben, Ziffern und einzelne Bindestriche verwenden.'],
  ['NOT_A_TERM', 'createReview', student, review, 'term', '2014', 'Bitte Jahr und Nummer angeben, etwa 2014-3.'],
  ['UNKNOWN_CURRENCY', 'createCourse', staff, course, 'price.currency', 'SQL', 'Diese Währung gibt es nicht.'],
  ['UNKNOWN_COUNTRY', 'updateProfile', student, {}, 'country', 'XX', 'Dieses Land gibt es nicht.'],
  ['UNKNOWN_LANGUAGE', 'createCourse', staff, course, 'language', 'english!', 'Diese Sprache gibt es nicht.'],
  ['IN_THE_PAST', 'enroll', student, { courseId: published.id }, 'runId', started.id, 'Dieser Durchgang hat am 1.2.2020 begonnen.'],
  ['ENDS_BEFORE_START', 'createCourseRun', staff, run, 'endsAt', '2020-02-01T09:00:00Z', 'Das Ende muss nach dem 1.2.2020 liegen.'],
  ['WEAK_PASSWORD', 'signUp', undefined, signUp, 'password', 'a'.repeat(10), 'Bitte mindestens 4 verschiedene Zeichen verwenden.'],
  ['WRONG_PASSWORD', 'changePassword', student, { newPassword: 'another horse battery' }, 'currentPassword', 'wrong', 'Das ist nicht das bisherige Passwort.'],
];

function withValue(input, field, value) {
  return field === 'price.currency' ? { ...input, price: { amountMinor: 1, currency: value } } : { ...input, [field]: value };
}

const shown = [];
for (const [reason, mutation, token, input, field, value, german] of CASES) {
  const { errors } = await submit(mutation, withValue(input, field, value), token);
  assert.deepEqual(errors.map((error) => error.reason), [reason], `${mutation}.${field}: ${JSON.stringify(errors)}`);
  const fields = [{ name: 'other', label: 'Anderes' }, { name: field, label: 'Feld', isList: Array.isArray(value) }];
  const html = render(SENTENCES, fields, { [field]: value }, errors);
  const alert = `aria-describedby="${field}-problem"></label><p id="${field}-problem" role="alert">${german}</p></form>`;
  assert.ok(html.endsWith(alert), html);
  const elsewhere = render(SENTENCES, [{ name: 'other', label: 'Anderes' }], {}, errors);
  assert.match(elsewhere, /^<form><p role="alert">/);
  shown.push({ reason, field, html });
}

// A reason that is newer than the form, and markup in what people typed.
assert.equal(sentence(SENTENCES, { reason: 'NEW', params: null, message: 'Too new.' }), 'Too new.');
assert.match(render(SENTENCES, [{ name: 'a', label: 'A' }], { a: '"><script>' }, []), /value="&quot;&gt;&lt;script&gt;"/);
assert.deepEqual([...new Set(shown.map(({ reason }) => reason))].sort(), [...reasons].sort());
console.log(JSON.stringify(shown));
