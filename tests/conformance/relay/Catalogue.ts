// What a Relay client asks of the gateway. relay-compiler reads the operations; nobody runs this file.
import { graphql } from 'relay-runtime';

export const catalogue = graphql`
  query CatalogueQuery($count: Int!, $cursor: String, $filter: CourseFilter) {
    ...Catalogue_courses @arguments(count: $count, cursor: $cursor, filter: $filter)
  }
`;

export const page = graphql`
  fragment Catalogue_courses on Query
  @refetchable(queryName: "CataloguePaginationQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "String" }
    filter: { type: "CourseFilter" }
  ) {
    courses(
      first: $count
      after: $cursor
      filter: $filter
      orderBy: { field: RATING, direction: DESC }
    ) @connection(key: "Catalogue_courses", filters: ["filter"]) {
      totalCount
      edges {
        node {
          id
          ...Catalogue_card
        }
      }
    }
  }
`;

export const card = graphql`
  fragment Catalogue_card on Course {
    slug
    title
    price {
      formatted
    }
    rating {
      average
      count
    }
  }
`;
