// How a client uses the generated types. The compiler reads this file; nobody runs it.
import type {
  AccountsQuery,
  AnythingQuery,
  CancelCourseRunMutation,
  CoursePageQuery,
  LinkAccountMutationVariables,
  MeQuery,
  RosterQuery,
  StudentsQuery,
  StudentsQueryVariables,
  WriteReviewMutation,
} from './operations';
import type { Course, ErrorReason } from './schema';

export const variables: StudentsQueryVariables = { first: 10, filter: { countries: ['IN'] } };

export function courses(page: StudentsQuery): string[] {
  return page.students.nodes.flatMap((student) =>
    student.enrollments.edges.map(({ node }) => `${node.course.title}: ${node.run?.startsAt ?? 'any time'}`),
  );
}

export function title({ node }: AnythingQuery): Course['title'] | null {
  return node?.__typename === 'Course' ? node.title : null;
}

type Problem = WriteReviewMutation['createReview']['errors'][number];

export function sentence({ reason, params, message }: Problem): string {
  const { max } = params as { max?: number };
  return reason === 'TOO_LONG' ? `Bitte höchstens ${max} Zeichen eingeben.` : message;
}

// @ts-expect-error: a table of sentences must have all reasons
export const sentences: Record<`${ErrorReason}`, string> = { TOO_LONG: 'Bitte kürzen.' };

// @ts-expect-error: an email address may be null
export const email = (page: StudentsQuery): string => page.students.nodes[0].email;

// The page of a course, and one's own account.
export function others({ course }: CoursePageQuery): string[] {
  return (course?.relatedCourses ?? []).map(({ title, viewerHasWishlisted }) => (viewerHasWishlisted ? `♥ ${title}` : title));
}

export function devices({ viewer }: MeQuery): string[] {
  return (viewer?.sessions ?? []).map(({ client, current }) => `${client ?? 'unknown'}${current ? ' (this one)' : ''}`);
}

// The desk.
export function roster({ node }: RosterQuery): string[] {
  if (!node || !('enrollments' in node)) return [];
  return node.enrollments.nodes.map(({ student, waitlistPosition }) => `${waitlistPosition ?? ''} ${student.name}`);
}

export function deactivated({ accounts }: AccountsQuery): string[] {
  return accounts.nodes.filter(({ status }) => status === 'DEACTIVATED').map(({ email }) => email);
}

export function isCancelled({ cancelCourseRun: { courseRun } }: CancelCourseRunMutation): boolean {
  return courseRun?.status === 'CANCELLED';
}

export const link: LinkAccountMutationVariables = { input: { accountId: 'a', person: { studentId: 's' } } };

// @ts-expect-error: a person is either a student or an instructor
export const both: LinkAccountMutationVariables = { input: { accountId: 'a', person: { studentId: 's', instructorId: 'i' } } };

// @ts-expect-error: a course is on a wishlist or not
export const wished = (page: CoursePageQuery): null | undefined => page.course!.viewerHasWishlisted;
