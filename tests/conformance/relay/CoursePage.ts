// A page of one course: its reviews are fetched again by the course's global ID.
import { graphql } from 'relay-runtime';

export const course = graphql`
  query CoursePageQuery($slug: String!) {
    course(slug: $slug) {
      ...Catalogue_card
      ...CoursePage_reviews
      ...CoursePage_run
      ...CoursePage_more
    }
  }
`;

export const more = graphql`
  fragment CoursePage_more on Course {
    viewerHasWishlisted
    instructors {
      slug
      courseCount
    }
    relatedCourses(first: 4) {
      id
      viewerHasWishlisted
      ...Catalogue_card
    }
  }
`;

export const reviews = graphql`
  fragment CoursePage_reviews on Course
  @refetchable(queryName: "CoursePageReviewsQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    reviews(
      first: $first
      after: $after
      last: $last
      before: $before
      orderBy: { field: HELPFUL, direction: DESC }
    ) @connection(key: "CoursePage_reviews") {
      edges {
        node {
          rating
          body
          createdAt
          student {
            name
          }
        }
      }
    }
  }
`;

export const runs = graphql`
  fragment CoursePage_run on Course {
    runs(first: 3, upcomingOnly: true) {
      nodes {
        startsAt
        deliveryMode
        seatsLeft
      }
    }
  }
`;

export const refetch = graphql`
  query CoursePageRefetchQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...Catalogue_card @alias(as: "card")
      ...CoursePage_reviews @alias(as: "reviews")
    }
  }
`;
