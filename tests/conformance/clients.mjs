// Runs all operations of a folder with the clients of other teams, as people use them one after the other:
// `node clients.mjs URL TOKEN FOLDER`, with the access token of staff. Prints {client: [operation]} as JSON.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client/core/index.js';
import { Client, fetchExchange } from '@urql/core';
import { parse, print, visit } from 'graphql';

const [uri, staff, folder] = process.argv.slice(2);
const PASSWORD = 'correct horse battery';
const authorization = (token) => (token ? { authorization: `Bearer ${token}` } : {});
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

// -- the operations of the folder ---------------------------------------------------------------------------

const files = (await readdir(folder)).filter((name) => name.endsWith('.graphql'));
const texts = await Promise.all(files.map(async (name) => readFile(`${folder}/${name}`, 'utf8')));
const { definitions } = parse(texts.join('\n'));
const fragments = new Map(definitions.filter(({ kind }) => kind === 'FragmentDefinition').map((f) => [f.name.value, f]));

/** A document with one operation and the fragments that it needs. */
function documentOf(name) {
  const operation = definitions.find((d) => d.kind === 'OperationDefinition' && d.name.value === name);
  assert.ok(operation, `no operation ${name}`);
  const needed = new Map();
  const collect = (node) =>
    visit(node, {
      FragmentSpread({ name: { value } }) {
        if (needed.has(value)) return;
        needed.set(value, fragments.get(value));
        collect(fragments.get(value));
      },
    });
  collect(operation);
  return { kind: 'Document', definitions: [operation, ...needed.values()] };
}

const isMutation = (document) => document.definitions[0].operation === 'mutation';

// -- the clients ----------------------------------------------------------------------------------------------

const apollo = new ApolloClient({ link: new HttpLink({ uri }), cache: new InMemoryCache() });

async function byApollo(document, variables, token) {
  const options = { variables, context: { headers: authorization(token) }, fetchPolicy: 'no-cache' };
  const { data } = isMutation(document)
    ? await apollo.mutate({ mutation: document, ...options })
    : await apollo.query({ query: document, ...options });
  return data;
}

async function byUrql(document, variables, token) {
  const fetchOptions = { headers: authorization(token) };
  const client = new Client({ url: uri, exchanges: [fetchExchange], preferGetMethod: false, fetchOptions });
  const run = isMutation(document) ? client.mutation : client.query;
  const { data, error } = await run.call(client, print(document), variables).toPromise();
  if (error) throw error;
  return data;
}

// -- what people do with them ---------------------------------------------------------------------------------

/** Runs every operation with a client, and returns their names. */
async function story(send) {
  const asked = new Set();

  async function ask(name, variables, token) {
    asked.add(name);
    return send(documentOf(name), variables, token);
  }

  /** Runs a mutation that must succeed; returns its payload. */
  async function write(name, input, token) {
    const [payload] = Object.values(await ask(name, { input: { ...input, idempotencyKey: randomUUID() } }, token));
    assert.deepEqual(payload.errors, [], name);
    return payload;
  }

  // Those without an idempotency key, and those that are refused.
  const post = async (name, input, token) => Object.values(await ask(name, { input }, token))[0];

  const mark = randomUUID();
  const email = `${mark}@example.org`;

  // An account of one's own.
  const up = await write('SignUp', { name: 'Ada', email, password: PASSWORD });
  assert.equal(up.viewer.email, email);
  const { accessToken: second } = await post('SignIn', { email, password: PASSWORD, deviceToken: up.deviceToken });
  const { viewer } = await ask('Me', {}, second);
  assert.deepEqual([viewer.name, viewer.emailVerified, viewer.sessions.length], ['Ada', false, 2]);
  const other = viewer.sessions.find(({ current }) => !current);
  const ended = await write('EndSession', { sessionId: other.id }, second);
  assert.equal(ended.viewer.sessions.length, 1);
  await write('RequestPasswordReset', { email });
  await write('ResendVerification', { email });
  await write('ChangeEmail', { newEmail: `new-${email}`, password: PASSWORD }, second);
  const verified = await post('VerifyEmail', { token: 'none' }, second);
  assert.equal(verified.errors[0].code, 'EXPIRED');
  const reset = await post('ResetPassword', { token: 'none', newPassword: 'another horse battery' });
  assert.equal(reset.errors[0].code, 'EXPIRED');
  const weak = await post('ChangePassword', { currentPassword: PASSWORD, newPassword: 'a'.repeat(10) }, second);
  assert.equal(weak.errors[0].reason, 'WEAK_PASSWORD');

  // The desk: the catalogue.
  const { category } = await write('CreateCategory', { name: `Web ${mark}`, position: 3 }, staff);
  const { category: doubled } = await write('CreateCategory', { name: `WWW ${mark}` }, staff);
  await write('UpdateCategory', { categoryId: category.id, description: 'Sites.' }, staff);
  const { instructor } = await write('CreateInstructor', { name: `Grace ${mark}` }, staff);
  await write('UpdateInstructor', { instructorId: instructor.id, headline: 'Teaches.' }, staff);
  const { instructors } = await ask('Instructors', { search: `grace ${mark}` }, staff);
  assert.deepEqual(instructors.nodes.map(({ slug }) => slug), [instructor.slug]);
  const about = { summary: 'S', deliveryModes: ['ONLINE'], categoryId: doubled.id, instructorIds: [instructor.id] };
  const courses = [];
  for (const title of ['Go', 'Rust']) {
    const { course } = await write('CreateCourse', { title: `${title} ${mark}`, tags: ['t'], ...about }, staff);
    assert.equal((await write('PublishCourse', { courseId: course.id }, staff)).course.status, 'PUBLISHED');
    courses.push(course);
  }
  const [go, rust] = courses;
  const merged = await write('MergeCategories', { fromCategoryId: doubled.id, intoCategoryId: category.id }, staff);
  assert.equal(merged.category.courseCount, 2);
  const { category: empty } = await write('CreateCategory', { name: `None ${mark}` }, staff);
  await write('DeleteCategory', { categoryId: empty.id }, staff);
  const { course: draft } = await write('CreateCourse', { title: `Sketch ${mark}` }, staff);
  await write('DeleteCourse', { courseId: draft.id }, staff);

  // The page of a course.
  const page = async () => (await ask('CoursePage', { slug: go.slug, related: 2 }, second)).course;
  const before = await page();
  assert.equal(before.viewerHasWishlisted, false);
  assert.deepEqual(before.relatedCourses.map(({ slug }) => slug), [rust.slug]);
  const wish = await write('AddToWishlist', { courseId: go.id }, second);
  assert.equal(wish.course.viewerHasWishlisted, true);
  assert.equal((await page()).viewerHasWishlisted, true);
  const { instructor: profile } = await ask('InstructorPage', { slug: instructor.slug });
  assert.equal(profile.courseCount, 2);
  const { courses: filtered } = await ask('Filters', { filter: { instructors: [instructor.id] } });
  assert.deepEqual(filtered.facets.tags.map(({ value, label, count }) => [value, label, count]), [['t', 't', 2]]);

  // The desk: places in runs.
  const runs = [];
  for (const days of [30, 60]) {
    const run = { courseId: go.id, startsAt: inDays(days), deliveryMode: 'ONLINE', seats: 5 };
    runs.push((await write('CreateCourseRun', run, staff)).courseRun);
  }
  const [early, late] = runs;
  const { students } = await ask('StudentByEmail', { email }, staff);
  const place = { studentId: students.nodes[0].id, courseId: go.id, runId: early.id };
  const { enrollment } = await write('EnrollStudent', place, staff);
  assert.deepEqual([enrollment.status, enrollment.waitlistPosition], ['ACTIVE', null]);
  const rated = await write('WriteReview', { courseId: go.id, rating: 5, body: 'Clear.' }, second);
  const ids = [rated.review.id, enrollment.id];
  assert.equal((await ask('Anything', { id: go.id, ids }, staff)).node.slug, go.slug);
  await write('FlagReview', { reviewId: rated.review.id }, staff);
  const queue = await ask('ModerationQueue', { first: 1, filter: { flagged: true, search: 'clear' } }, staff);
  assert.deepEqual(queue.reviews.nodes.map(({ id, flagCount }) => [id, flagCount]), [[rated.review.id, 1]]);
  const moderation = { reviewId: rated.review.id, status: 'PUBLISHED', reason: 'It is fine.' };
  const { review: kept } = await write('ModerateReview', moderation, staff);
  assert.equal(kept.moderationReason, 'It is fine.');
  const { enrollment: moved } = await write('MoveEnrollment', { enrollmentId: enrollment.id, runId: late.id }, staff);
  assert.equal(moved.run.id, late.id);
  const { node: roster } = await ask('Roster', { run: late.id, first: 10 }, staff);
  assert.equal(roster.enrollments.nodes[0].student.email, email);
  const both = await ask('RosterOfRuns', { course: go.id, runs: [early.id, late.id] }, staff);
  assert.deepEqual(both.course.enrollments.nodes.map(({ id }) => id), [enrollment.id]);
  const { courseRun } = await write('CancelCourseRun', { runId: late.id }, staff);
  assert.deepEqual([courseRun.status, courseRun.seatsLeft], ['CANCELLED', 0]);

  // The desk: people.
  const { accounts } = await ask('Accounts', { first: 5, filter: { search: email, statuses: ['ACTIVE'] } }, staff);
  const { id: accountId } = accounts.nodes[0];
  const link = { accountId, person: { instructorId: instructor.id } };
  const two = { accountId, person: { instructorId: instructor.id, studentId: students.nodes[0].id } };
  await assert.rejects(post('LinkAccount', two, staff), 'exactly one of the two must be given');
  assert.deepEqual((await write('LinkAccount', link, staff)).account.roles.sort(), ['INSTRUCTOR', 'STUDENT']);
  const { account } = await write('UpdateAccount', { accountId, status: 'DEACTIVATED' }, staff);
  assert.equal(account.status, 'DEACTIVATED');
  const { auditLog } = await ask('Log', { filter: { email } }, staff);
  assert.equal(auditLog.nodes.at(0).actor.email, email);
  assert.ok((await ask('Students', { first: 1, filter: { email } }, staff)).students.nodes[0].enrollments);
  const { student: erased } = await write('EraseStudent', { studentId: students.nodes[0].id }, staff);
  assert.equal(erased.name, 'Deleted student');
  const leaving = await write('SignUp', { name: 'Eve', email: `leaving-${email}`, password: PASSWORD });
  await write('DeleteAccount', { password: PASSWORD }, leaving.accessToken);
  return [...asked].sort();
}

console.log(JSON.stringify({ Apollo: await story(byApollo), urql: await story(byUrql) }));
process.exit(0); // Apollo's cache keeps a timer
