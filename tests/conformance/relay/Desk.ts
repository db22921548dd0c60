// The desk: a list of accounts, a roster that is fetched again by the run's global ID, and writes.
import { graphql } from 'relay-runtime';

export const accounts = graphql`
  query DeskQuery($count: Int!, $cursor: String, $filter: AccountFilter) {
    ...Desk_accounts @arguments(count: $count, cursor: $cursor, filter: $filter)
  }
`;

export const page = graphql`
  fragment Desk_accounts on Query
  @refetchable(queryName: "DeskAccountsQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "String" }
    filter: { type: "AccountFilter" }
  ) {
    accounts(first: $count, after: $cursor, filter: $filter) @connection(key: "Desk_accounts", filters: ["filter"]) {
      edges {
        node {
          id
          name
          email
          roles
          status
          lastSeenAt
        }
      }
    }
  }
`;

export const run = graphql`
  query DeskRunQuery($id: ID!, $count: Int!) {
    node(id: $id) {
      __typename
      ...Desk_roster @arguments(count: $count) @alias(as: "roster")
    }
  }
`;

export const roster = graphql`
  fragment Desk_roster on CourseRun
  @refetchable(queryName: "DeskRosterQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 50 }, cursor: { type: "String" }) {
    status
    enrollments(first: $count, after: $cursor) @connection(key: "Desk_enrollments") {
      edges {
        node {
          id
          status
          waitlistPosition
          student {
            name
            email
          }
        }
      }
    }
  }
`;

export const cancelRun = graphql`
  mutation DeskCancelRunMutation($input: CancelCourseRunInput!) {
    cancelCourseRun(input: $input) {
      courseRun {
        id
        ...Desk_roster
      }
      errors {
        ...Account_problem
      }
    }
  }
`;

export const createCategory = graphql`
  mutation DeskCreateCategoryMutation($input: CreateCategoryInput!) {
    createCategory(input: $input) {
      category {
        id
        slug
        name
        position
      }
      errors {
        ...Account_problem
      }
    }
  }
`;

export const linkAccount = graphql`
  mutation DeskLinkAccountMutation($input: LinkAccountInput!) {
    linkAccount(input: $input) {
      account {
        id
        roles
        student {
          name
        }
      }
      errors {
        ...Account_problem
      }
    }
  }
`;
