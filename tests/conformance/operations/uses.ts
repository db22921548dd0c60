// How a client uses the generated types. The compiler reads this file; nobody runs it.
import type { AnythingQuery, StudentsQuery, StudentsQueryVariables } from './operations';
import type { Course } from './schema';

export const variables: StudentsQueryVariables = { first: 10, filter: { countries: ['IN'] } };

export function courses(page: StudentsQuery): string[] {
  return page.students.nodes.flatMap((student) =>
    student.enrollments.edges.map(({ node }) => `${node.course.title}: ${node.run?.startsAt ?? 'any time'}`),
  );
}

export function title({ node }: AnythingQuery): Course['title'] | null {
  return node?.__typename === 'Course' ? node.title : null;
}

// @ts-expect-error: an email address may be null
export const email = (page: StudentsQuery): string => page.students.nodes[0].email;
