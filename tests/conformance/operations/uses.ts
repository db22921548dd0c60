// How a client uses the generated types. The compiler reads this file; nobody runs it.
import type { AnythingQuery, StudentsQuery, StudentsQueryVariables, WriteReviewMutation } from './operations';
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
